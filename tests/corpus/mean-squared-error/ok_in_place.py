# expect: grad_w=right; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w
    r += b
    r -= y
    r *= 2.0
    g = X.T @ r
    g /= X.shape[0]
    return g

def grad_b(X, y, w, b):
    r = X @ w
    r += b - y
    return 2 * r.mean()
