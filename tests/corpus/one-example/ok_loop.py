# expect: grad_w=right; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    r = b - y
    for j in range(len(w)):
        r += w[j] * x[j]
    g = np.empty_like(w)
    for j in range(len(w)):
        g[j] = r * x[j]
    return g

def grad_b(x, y, w, b):
    s = 0.0
    for a, c in zip(x, w):
        s += a * c
    return s + b - y
