# expect: grad_W1=right; grad_b1=axis; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r, w2):
    return X.T @ (r[:, None] * w2 * (1 - H**2)) / len(r)

def grad_b1(H, r, w2):
    return (r[:, None] * w2 * (1 - H**2)).mean(axis=1)

def grad_w2(H, r):
    return np.mean(H * r[:, None], axis=0)

def grad_b2(r):
    return np.mean(r)
