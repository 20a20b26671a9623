# expect: grad_w=elementwise; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    # same thing as the scalar exercise, just with vectors
    return (w * x + b - y) * x

def grad_b(x, y, w, b):
    return np.dot(w, x) + b - y
