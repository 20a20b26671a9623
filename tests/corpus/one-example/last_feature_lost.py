# expect: grad_w=off-by-one; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    r = x @ w + b - y
    g = np.zeros(len(x))
    for j in range(len(x) - 1):
        g[j] = r * x[j]
    return g

def grad_b(x, y, w, b):
    return x @ w + b - y
