# expect: grad_w=term-sign:data; grad_b=sign
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    e = y - (X @ w + b)
    return e @ X / e.size + lam * w

def grad_b(X, y, w, b, lam):
    e = y - (X @ w + b)
    return e.mean()
