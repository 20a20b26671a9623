# expect: new_w=ignores:b; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, lr, batch_size):
    r = X @ w - y
    return w - lr * np.dot(X.T, r) / batch_size

def new_b(X, y, w, b, lr, batch_size):
    r = X @ w + b - y
    return b - lr * np.sum(r) / batch_size
