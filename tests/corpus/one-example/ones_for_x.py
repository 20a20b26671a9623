# expect: grad_w=chain-missing:y_hat|swapped-answer:grad_b; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    r = x @ w + b - y
    return np.full(len(w), r)

def grad_b(x, y, w, b):
    return x @ w + b - y
