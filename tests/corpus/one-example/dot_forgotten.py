# expect: grad_w=raises; grad_b=raises
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    r = x * w + b - y
    if r > 0:
        pass
    return r * x

def grad_b(x, y, w, b):
    r = float(x * w) + b - y
    return r
