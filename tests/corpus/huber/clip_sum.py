# expect: grad_w=kink-threshold; grad_b=kink-threshold|mean-of-products
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return np.clip(X.T @ r, -delta, delta) / len(r)
def grad_b(r, delta):
    s = 0.0
    for ri in r:
        s += ri
    if s > delta: s = delta
    if s < -delta: s = -delta
    return s / len(r)
