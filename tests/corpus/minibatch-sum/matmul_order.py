# expect: grad_w=raises; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    r = np.matmul(X, w) + b - y
    return np.matmul(X, r)

def grad_b(X, y, w, b):
    return np.sum(np.matmul(X, w) + b - y)
