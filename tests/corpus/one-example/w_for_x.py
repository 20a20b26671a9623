# expect: grad_w=wrong-variable; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    r = np.inner(x, w) + b - y
    return r * w

def grad_b(x, y, w, b):
    return np.inner(x, w) + b - y
