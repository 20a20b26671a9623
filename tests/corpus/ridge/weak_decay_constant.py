# expect: grad_w=global-or-hardcoded|term-factor:penalty; grad_b=right
# exercise: ridge
import numpy as np
lam = 0.1

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y) + lam * w

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
