# expect: grad_w=factor:n; grad_b=factor:n
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y
    return X.T @ r

def grad_b(X, y, w, b):
    r = X @ w + b - y
    return np.sum(r)
