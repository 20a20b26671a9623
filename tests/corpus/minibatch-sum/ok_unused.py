# expect: grad_w=right; grad_b=right
# exercise: minibatch-sum
import math
import numpy as np
from functools import reduce

def sigmoid(z):          # left from last week
    return 1 / (1 + math.exp(-z))

def grad_r(r):
    return r

def grad_w(X, y_hat, y):
    rows = [(p - t) * x for x, p, t in zip(X, y_hat, y)]
    return reduce(np.add, rows)

def grad_b(y_hat, y):
    print("checking b...")
    return math.fsum(y_hat - y)
