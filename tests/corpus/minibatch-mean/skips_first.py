# expect: grad_w=off-by-one; grad_b=off-by-one
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    n, d = X.shape
    g = np.zeros(d)
    for i in range(1, n):
        g += (X[i] @ w + b - y[i]) * X[i]
    return g / n

def grad_b(X, y, w, b):
    n, d = X.shape
    s = 0
    for i in range(1, n):
        s += X[i] @ w + b - y[i]
    return s / n
