# expect: grad_w=sign+shape; grad_b=sign
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    e = (y - X @ w - b).reshape(-1, 1)
    return 2 * X.T @ e / len(e)

def grad_b(X, y, w, b):
    e = (y - X @ w - b).reshape(-1, 1)
    return 2 * np.mean(e)
