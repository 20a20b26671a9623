# expect: grad_w=right; grad_b=right
# exercise: logistic
import math
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros(X.shape[1])
    for xi, yi in zip(X, y):
        p = 1 / (1 + math.exp(-(float(xi @ w) + b)))
        g += -(1 - p) * xi if yi == 1 else p * xi
    return g / len(X)

def grad_b(X, y, w, b):
    s = 0.0
    for xi, yi in zip(X, y):
        p = 1 / (1 + math.exp(-(float(xi @ w) + b)))
        s += p - yi
    return s / len(X)
