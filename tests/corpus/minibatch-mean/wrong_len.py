# expect: grad_w=factor:n/d; grad_b=factor:n/d
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    m = X.shape[1]
    return X.T.dot(X.dot(w) + b - y) / m

def grad_b(X, y, w, b):
    m = X.shape[1]
    return np.sum(X.dot(w) + b - y) / m
