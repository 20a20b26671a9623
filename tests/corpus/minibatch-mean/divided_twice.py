# expect: grad_w=factor:1/n; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    n = len(X)
    r = (X @ w + b - y) / n
    return np.mean(X * r[:, np.newaxis], axis=0)

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
