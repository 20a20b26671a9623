# expect: grad_w=not-recognised; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    Xc = X - X.mean(axis=0)      # always centre the data first
    r = X @ w + b - y
    return 2 * Xc.T @ r / len(y)

def grad_b(X, y, w, b):
    return 2 * np.mean(X @ w + b - y)
