# expect: grad_w=chain-missing:rho|kink-threshold; grad_b=chain-missing:rho|kink-threshold
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    d = np.where(np.abs(r) <= delta, r, delta)
    return X.T @ d / len(r)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    return np.mean(np.where(np.abs(r) <= delta, r, delta))
