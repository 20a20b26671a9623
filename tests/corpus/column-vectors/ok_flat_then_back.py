# expect: grad_w=right; grad_b=right
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w[:, 0] + b[0] - y
    return (r @ X).reshape(w.shape)

def grad_b(X, y, w, b):
    r = X @ w[:, 0] + b[0] - y
    return np.full(1, r.sum())
