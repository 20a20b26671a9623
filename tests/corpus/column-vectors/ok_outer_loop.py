# expect: grad_w=right; grad_b=right
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w, b):
    out = np.zeros(w.shape)
    for i in range(len(X)):
        row = X[i:i+1]                  # (1, d)
        out += row.T @ (row @ w + b - y[i])
    return out

def grad_b(X, y, w, b):
    out = np.zeros((1,))
    for i in range(len(X)):
        out = out + (X[i] @ w)[0] + b - y[i]
    return out
