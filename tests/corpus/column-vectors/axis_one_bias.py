# expect: grad_w=right; grad_b=axis|not-summed
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y.reshape(-1, 1)
    return np.dot(np.transpose(X), r)

def grad_b(X, y, w, b):
    r = X @ w + b - y.reshape(-1, 1)
    return np.sum(r, axis=1)
