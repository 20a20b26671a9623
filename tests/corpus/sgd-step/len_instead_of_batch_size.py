# expect: new_w=term-factor:gradient|term-factor:loss|term-factor:grad_w; new_b=term-factor:gradient|term-factor:loss|term-factor:grad_b
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr):
    r = X @ w + b - y
    return w - lr * X.T @ r / len(y)

def new_b(X, y, w, b, lr):
    r = X @ w + b - y
    return b - lr * np.mean(r)
