# expect: grad_w=term-sign:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    data = X.T @ (X @ w + b - y) / len(y)
    return data - lam * w

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
