# expect: grad_w=sign; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    e = y - np.dot(w, x) - b
    return e * x

def grad_b(x, y, w, b):
    e = y - np.dot(w, x) - b
    return -e
