# expect: grad_w=right; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    X, y, w = (np.asarray(a, np.float32) for a in (X, y, w))
    r = X @ w + np.float32(b) - y
    return X.T @ r / np.float32(len(y)) + np.float32(lam) * w

def grad_b(r):
    return np.float32(r.mean())
