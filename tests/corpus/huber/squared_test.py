# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: huber
import numpy as np

def slope(r, delta):
    small = r**2 / 2 <= delta
    out = delta * np.sign(r)
    out[small] = r[small]
    return out

def grad_w(X, r, delta):
    return X.T @ slope(r, delta) / len(r)

def grad_b(r, delta):
    return slope(r, delta).mean()
