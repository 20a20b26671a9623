# expect: grad_w=ignores:b; grad_b=ignores:b
# exercise: column-vectors
import numpy as np

def grad_w(X, y, w):
    g = np.zeros_like(w)
    for xi, yi in zip(X, y):
        xi = xi.reshape(-1, 1)
        g += (w.T @ xi - yi) * xi
    return g

def grad_b(X, y, w):
    g = np.zeros(1)
    for xi, yi in zip(X, y):
        g += xi @ w - yi
    return g
