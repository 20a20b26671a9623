# expect: new_w=right; new_b=right
# exercise: sgd-step
import numpy as np

def gradients(X, y, w, b):
    r = X.dot(w) + b - y
    return X.T.dot(r), np.sum(r)

def sgd(param, grad, lr, batch_size):
    param = np.array(param, dtype=float)     # a copy
    param -= lr * grad / batch_size
    return param

def new_w(X, y, w, b, lr, batch_size):
    return sgd(w, gradients(X, y, w, b)[0], lr, batch_size)

def new_b(X, y, w, b, lr, batch_size):
    return sgd(b, gradients(X, y, w, b)[1], lr, batch_size)
