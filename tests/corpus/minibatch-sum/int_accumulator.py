# expect: grad_w=raises; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros(X.shape[1], dtype=int)
    for i in range(len(X)):
        g += (X[i] @ w + b - y[i]) * X[i]
    return g

def grad_b(X, y, w, b):
    return sum(X @ w + b - y)
