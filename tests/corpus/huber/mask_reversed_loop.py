# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: huber
import numpy as np

def slope(ri, delta):
    if abs(ri) > delta:
        return ri
    return delta * np.sign(ri)
def grad_w(X, r, delta): return sum(slope(ri, delta) * xi for xi, ri in zip(X, r)) / len(r)
def grad_b(r, delta): return sum(slope(ri, delta) for ri in r) / len(r)
