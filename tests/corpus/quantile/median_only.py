# expect: grad_w=global-or-hardcoded|ignores:tau; grad_b=global-or-hardcoded|ignores:tau
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b):
    return -0.5 * X.T @ np.sign(y - X @ w - b) / len(y)

def grad_b(X, y, w, b):
    return -0.5 * np.sign(y - X @ w - b).mean()
