# expect: grad_w=factor:2+shape; grad_b=factor:2
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = (X @ w + b).ravel() - y
    return 2 * X.T @ r

def grad_b(X, y, w, b):
    r = (X @ w + b).ravel() - y
    return np.array([2 * r.sum()])
