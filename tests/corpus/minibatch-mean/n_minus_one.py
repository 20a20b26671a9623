# expect: grad_w=factor:n/(n-1)|off-by-one; grad_b=factor:n/(n-1)|off-by-one
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / (len(y) - 1)

def grad_b(X, y, w, b):
    return (X @ w + b - y).sum() / (len(y) - 1)
