# expect: grad_w=term-sign:b; grad_b=term-sign:b
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    n = len(y)
    return -2 / n * X.T @ (y - X @ w + b)

def grad_b(X, y, w, b):
    n = len(y)
    return -2 / n * np.sum(y - X @ w + b)
