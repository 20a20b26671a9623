# expect: grad_w=factor:1/d; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y
    return (X * r[:, None]).sum(0) / X.size

def grad_b(r):
    return r.mean()
