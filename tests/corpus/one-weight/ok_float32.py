# expect: grad_w=right; grad_b=right
# exercise: one-weight
import numpy as np

def grad_w(x, y, w, b):
    x, y, w, b = map(np.float32, (x, y, w, b))
    return (w * x + b - y) * x

def grad_b(x, y, w, b):
    return np.array(w * x + b - y)
