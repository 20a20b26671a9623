# expect: grad_w=raises; grad_b=raises
# exercise: huber
import numpy as np

def dhuber(r, delta):
    if abs(r) <= delta:
        return r
    return delta * np.sign(r)

def grad_w(X, y, w, b, delta):
    return X.T @ dhuber(X @ w + b - y, delta) / len(y)

def grad_b(X, y, w, b, delta):
    return np.mean(dhuber(X @ w + b - y, delta))
