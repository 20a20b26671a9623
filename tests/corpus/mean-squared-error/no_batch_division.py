# expect: grad_w=factor:n; grad_b=factor:n
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    return 2 * X.T @ (X @ w + b - y)

def grad_b(X, y, w, b):
    return 2 * (X @ w + b - y).sum()
