# expect: new_w=wrong-variable|not-recognised; new_b=wrong-variable|not-recognised
# exercise: sgd-step
import numpy as np

def step(X, y, w, b, lr, batch_size):
    r = X @ w + b - y
    return w - lr * X.T @ r / batch_size, b - lr * r.sum() / batch_size
def both(X, y, w, b, lr, batch_size):
    for _ in range(2):
        w, b = step(X, y, w, b, lr, batch_size)
    return w, b
def new_w(X, y, w, b, lr, batch_size): return both(X, y, w, b, lr, batch_size)[0]
def new_b(X, y, w, b, lr, batch_size): return both(X, y, w, b, lr, batch_size)[1]
