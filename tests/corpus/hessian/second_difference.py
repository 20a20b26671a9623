# expect: hessian_w=numerical
# exercise: hessian
import numpy as np

def f(X, y, w, b):
    return np.mean((X @ w + b - y) ** 2) / 2

def hessian_w(X, y, w, b):
    d, h = len(w), 1e-4
    I = np.eye(d) * h
    H = np.empty((d, d))
    for i in range(d):
        for j in range(d):
            H[i, j] = (f(X, y, w + I[i] + I[j], b) - f(X, y, w + I[i], b)
                       - f(X, y, w + I[j], b) + f(X, y, w, b)) / h**2
    return H
