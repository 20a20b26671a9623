# expect: grad_w=update-returned; grad_b=update-returned
# exercise: minibatch-sum
import numpy as np
ETA = 0.03

def grad_w(X, y, w, b):
    r = X @ w + b - y
    return -ETA * (X.T @ r)

def grad_b(X, y, w, b):
    r = X @ w + b - y
    return -ETA * r.sum()
