# expect: grad_w=right; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    n, d = X.shape
    g = np.zeros(d)
    for i in range(n):
        pred = b
        for j in range(d):
            pred += X[i, j] * w[j]
        for j in range(d):
            g[j] += (pred - y[i]) * X[i, j]
    return g

def grad_b(X, y, w, b):
    g = 0.0
    for i in range(len(X)):
        g += float(X[i].dot(w)) + b - y[i]
    return g
