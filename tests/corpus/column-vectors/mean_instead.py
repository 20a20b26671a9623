# expect: grad_w=factor:1/n; grad_b=factor:1/n
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y.reshape(-1, 1)
    return np.mean(X * r, axis=0).reshape(-1, 1)

def grad_b(X, y, w, b):
    r = X @ w + b - y.reshape(-1, 1)
    return np.mean(r, axis=0)
