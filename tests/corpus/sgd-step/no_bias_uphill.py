# expect: new_w=ignores:b+term-sign:gradient|ignores:b+term-sign:loss|ignores:b+term-sign:grad_w; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, lr, batch_size):
    return w + lr * X.T @ (X @ w - y) / batch_size

def new_b(X, y, w, b, lr, batch_size):
    return b - lr * np.sum(X @ w + b - y) / batch_size
