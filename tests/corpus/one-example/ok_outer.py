# expect: grad_w=right; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    """ -(y - yhat) x """
    return -(y - (np.vdot(x, w) + b)) * x

def grad_b(x, y, w, b):
    return -1.0 * (y - (np.vdot(x, w) + b))
