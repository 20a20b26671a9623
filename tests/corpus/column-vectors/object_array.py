# expect: grad_w=right; grad_b=dtype
# exercise: column-vectors
import numpy as np

def grad_w(X, r):
    return X.T @ r

def grad_b(r):
    total = np.zeros(1, dtype=object)
    for ri in r:
        total = total + ri
    return total
