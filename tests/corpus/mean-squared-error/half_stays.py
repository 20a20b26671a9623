# expect: grad_w=factor:1/4; grad_b=factor:1/4
# exercise: mean-squared-error
import numpy as np

def mse_grad(X, y, w, b):
    r = X.dot(w) + b - y
    return X.T.dot(r) / (2 * len(r)), r.sum() / (2 * len(r))

def grad_w(X, y, w, b):
    return mse_grad(X, y, w, b)[0]

def grad_b(X, y, w, b):
    return mse_grad(X, y, w, b)[1]
