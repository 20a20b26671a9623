# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return np.clip(X.T @ r / len(r), -delta, delta)
def grad_b(r, delta): return np.clip(r.mean(), -delta, delta)
