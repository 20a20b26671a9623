# expect: new_w=wrong-variable|not-recognised; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr, batch_size):
    w = w.copy()
    for j in range(len(w)):
        r = X @ w + b - y
        w[j] -= lr / batch_size * (X[:, j] @ r)
    return w
def new_b(r, b, lr, batch_size): return b - lr / batch_size * r.sum()
