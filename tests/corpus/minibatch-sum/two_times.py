# expect: grad_w=factor:2; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros_like(w)
    for xi, yi in zip(X, y):
        g += 2 * (xi @ w + b - yi) * xi
    return g

def grad_b(X, y, w, b):
    g = 0
    for xi, yi in zip(X, y):
        g += (xi @ w + b - yi)
    return g
