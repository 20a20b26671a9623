# expect: new_w=not-recognised|wrong-variable; new_b=not-recognised|wrong-variable
# exercise: sgd-step
import numpy as np

def run(X, y, w, b, lr, batch_size):
    w = w.copy()
    for i in range(len(y)):
        r = X[i] @ w + b - y[i]
        w -= lr / batch_size * r * X[i]
        b = b - lr / batch_size * r
    return w, b
def new_w(X, y, w, b, lr, batch_size): return run(X, y, w, b, lr, batch_size)[0]
def new_b(X, y, w, b, lr, batch_size): return run(X, y, w, b, lr, batch_size)[1]
