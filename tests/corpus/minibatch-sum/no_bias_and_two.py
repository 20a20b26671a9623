# expect: grad_w=factor:2+ignores:b; grad_b=factor:2
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w):
    e = np.array([np.sum(row * w) for row in X]) - y
    return 2 * np.dot(e, X)

def grad_b(X, y, w, b):
    e = np.array([np.sum(row * w) for row in X]) + b - y
    return 2 * np.sum(e)
