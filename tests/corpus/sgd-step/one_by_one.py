# expect: new_w=not-recognised; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr, batch_size):
    w = w.copy()
    for xi, yi in zip(X, y):
        w = w - lr / batch_size * (xi @ w + b - yi) * xi
    return w

def new_b(X, y, w, b, lr, batch_size):
    step = 0.0
    for xi, yi in zip(X, y):
        step += (xi @ w + b - yi)
    return b - lr / batch_size * step
