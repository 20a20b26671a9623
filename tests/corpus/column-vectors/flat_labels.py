# expect: grad_w=broadcast; grad_b=broadcast|factor:n
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y
    return X.T @ r.sum(axis=1, keepdims=True)
def grad_b(X, y, w, b):
    r = X @ w + b - y
    return np.array([r.sum()])
