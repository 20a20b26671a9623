# expect: grad_w=missing-term:rho|kink-threshold; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, r, delta):
    keep = (np.abs(r) <= delta)
    return X.T @ (r * keep) / len(r)

def grad_b(r, delta):
    return np.mean(np.maximum(-delta, np.minimum(r, delta)))
