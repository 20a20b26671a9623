# expect: grad_w=right; grad_b=extra-term:b|extra-term:penalty|extra-term:lam*b
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    return np.mean(X * (X @ w + b - y)[:, None], axis=0) + lam * w

def grad_b(X, y, w, b, lam):
    return np.mean(X @ w + b - y) + lam * b
