# expect: new_w=term-factor:gradient|term-factor:loss|term-factor:grad_w; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr):
    out = w.copy()
    for xi, yi in zip(X, y):
        out -= lr * (xi @ w + b - yi) * xi
    return out

def new_b(X, y, w, b, lr, batch_size):
    out = b
    for xi, yi in zip(X, y):
        out -= lr / batch_size * (xi @ w + b - yi)
    return out
