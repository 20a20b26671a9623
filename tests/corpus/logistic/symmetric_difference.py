# expect: grad_w=numerical; grad_b=numerical
# exercise: logistic
import numpy as np

eps = 1e-5

def L(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))

def grad_w(X, y, w, b):
    E = eps * np.eye(len(w))
    return np.array([(L(X, y, w + e, b) - L(X, y, w - e, b)) / (2 * eps) for e in E])

def grad_b(X, y, w, b):
    return (L(X, y, w, b + eps) - L(X, y, w, b - eps)) / (2 * eps)
