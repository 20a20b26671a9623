# expect: grad_w=term-factor:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    n = X.shape[0]
    return (X.T @ (X @ w + b - y) + lam * w) / n

def grad_b(X, y, w, b, lam):
    n = X.shape[0]
    return np.sum(X @ w + b - y) / n
