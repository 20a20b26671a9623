# expect: grad_w=factor:n/d; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    return 2 / X.shape[1] * X.T @ (X @ w + b - y)

def grad_b(X, y, w, b):
    return 2 / X.shape[0] * np.sum(X @ w + b - y)
