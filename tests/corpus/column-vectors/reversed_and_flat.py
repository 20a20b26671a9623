# expect: grad_w=sign+shape; grad_b=sign+shape
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    e = y - X @ w[:, 0] - b
    return e @ X

def grad_b(X, y, w, b):
    e = y - X @ w[:, 0] - b
    return e.sum()
