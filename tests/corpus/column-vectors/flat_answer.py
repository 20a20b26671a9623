# expect: grad_w=shape; grad_b=shape
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w.ravel() + b - y
    return X.T @ r

def grad_b(X, y, w, b):
    r = X @ w.ravel() + b - y
    return np.sum(r)
