# expect: grad_w=factor:1/2+ignores:b; grad_b=factor:1/2
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w):
    return np.mean((X @ w - y)[:, None] * X, axis=0)

def grad_b(r):
    return np.mean(r)
