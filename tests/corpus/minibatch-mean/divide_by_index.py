# expect: grad_w=non-finite; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros(len(w))
    for i in range(len(y)):
        g += ((X[i] @ w + b - y[i]) * X[i] - g) / np.float64(i)
    return g

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
