# expect: grad_w=term-factor:data+term-sign:penalty; grad_b=factor:2
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    m = len(X)
    return 2 / m * X.T @ (X @ w + b - y) - lam * w

def grad_b(X, y, w, b, lam):
    m = len(X)
    return 2 / m * np.sum(X @ w + b - y)
