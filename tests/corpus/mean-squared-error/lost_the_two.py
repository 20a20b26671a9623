# expect: grad_w=factor:1/2; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    n, d = X.shape
    out = np.zeros(d)
    for j in range(d):
        out[j] = np.mean((X @ w + b - y) * X[:, j])
    return out

def grad_b(X, y, w, b):
    return np.mean(2 * (X @ w + b - y))
