# expect: grad_w=sign; grad_b=sign
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    n = y.size
    diff = y - X @ w - b
    return 2 / n * X.T @ diff

def grad_b(X, y, w, b):
    n = y.size
    diff = y - X @ w - b
    return 2 / n * diff.sum()
