# expect: grad_w=ignores:b; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w):
    p = 1 / (1 + np.exp(-X.dot(w)))
    return X.T.dot(p - y) / y.shape[0]

def grad_b(X, y, w, b):
    p = 1 / (1 + np.exp(-X.dot(w) - b))
    return (p - y).sum() / y.shape[0]
