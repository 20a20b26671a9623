# expect: grad_w=sign+mean-of-products; grad_b=sign
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    e = y - X @ w - b
    return e.mean() * X.mean(axis=0)

def grad_b(X, y, w, b):
    e = y - X @ w - b
    return e.mean()
