# expect: grad_w=right; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    n, d = X.shape
    A = X.T @ X / n + lam * np.eye(d)
    c = X.T @ (y - b) / n
    return A @ w - c

def grad_b(X, y, w, b, lam):
    return b + np.mean(X @ w) - np.mean(y)
