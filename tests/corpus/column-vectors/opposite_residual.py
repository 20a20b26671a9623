# expect: grad_w=sign; grad_b=sign
# exercise: column-vectors
import numpy as np

def resid(X, y, w, b):
    return np.atleast_2d(y).T - (np.matmul(X, w) + b)

def grad_w(X, y, w, b):
    return np.matmul(X.T, resid(X, y, w, b))

def grad_b(X, y, w, b):
    return resid(X, y, w, b).sum(axis=0)
