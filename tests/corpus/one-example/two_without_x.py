# expect: grad_w=factor:2+chain-missing:y_hat|factor:2+swapped-answer:grad_b; grad_b=factor:2
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    return 2 * (np.dot(w, x) + b - y) * np.ones(x.shape)

def grad_b(x, y, w, b):
    return 2 * (np.dot(w, x) + b - y)
