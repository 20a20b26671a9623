# expect: grad_w=missing-term:penalty|ignores:lam; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y)

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
