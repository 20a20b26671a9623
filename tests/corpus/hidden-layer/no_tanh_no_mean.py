# expect: grad_W1=chain-missing:H+factor:n; grad_b1=chain-missing:H+factor:n; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, r, w2):
    G = np.zeros((X.shape[1], w2.size))
    for x, ri in zip(X, r):
        G += np.outer(x, ri * w2)
    return G

def grad_b1(r, w2):
    return r.sum() * w2

def grad_w2(H, r):
    return np.average(H * r[:, None], axis=0)

def grad_b2(r):
    return np.average(r)
