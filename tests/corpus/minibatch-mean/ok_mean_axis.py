# expect: grad_w=right; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    return np.mean(X * (X @ w + b - y)[:, np.newaxis], axis=0)

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
