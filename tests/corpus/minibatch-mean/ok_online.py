# expect: grad_w=right; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros_like(w)
    for i, (xi, yi) in enumerate(zip(X, y), start=1):
        g += ((xi @ w + b - yi) * xi - g) / i     # running mean
    return g

def grad_b(X, y, w, b):
    m = 0.0
    for i, (xi, yi) in enumerate(zip(X, y), start=1):
        m += (xi @ w + b - yi - m) / i
    return m
