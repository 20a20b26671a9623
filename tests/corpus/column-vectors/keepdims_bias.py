# expect: grad_w=right; grad_b=shape
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y[:, np.newaxis])

def grad_b(X, y, w, b):
    return np.sum(X @ w + b - y[:, np.newaxis], axis=0, keepdims=True)
