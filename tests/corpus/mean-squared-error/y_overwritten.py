# expect: grad_w=changes-input; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    y -= X @ w
    y -= b
    return -2 * X.T @ y / y.shape[0]

def grad_b(X, y, w, b):
    return -2 * np.mean(y - X @ w - b)
