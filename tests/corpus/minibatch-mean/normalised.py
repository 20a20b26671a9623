# expect: grad_w=not-recognised; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    g = X.T @ (X @ w + b - y) / len(y)
    return g / np.linalg.norm(g)

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
