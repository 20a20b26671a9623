# expect: new_w=term-factor:gradient|term-factor:loss|term-factor:grad_w; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr, batch_size):
    g = np.mean(X * (X @ w + b - y)[:, None], axis=0)
    return w - lr / batch_size * g

def new_b(X, y, w, b, lr, batch_size):
    g = np.sum(X @ w + b - y)
    return b - lr / batch_size * g
