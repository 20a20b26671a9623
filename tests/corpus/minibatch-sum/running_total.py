# expect: grad_w=not-repeatable; grad_b=right
# exercise: minibatch-sum
import numpy as np
acc = {}

def grad_w(X, y, w, b):
    key = X.shape[1]
    acc.setdefault(key, np.zeros(key))
    acc[key] = acc[key] + X.T @ (X @ w + b - y)
    return acc[key]

def grad_b(X, y, w, b):
    return np.sum(X @ w + b - y)
