# expect: grad_W1=chain-at:H; grad_b1=chain-at:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def dtanh(t):
    return 1 - np.tanh(t) ** 2

def dA(H, r, w2):
    return r[:, None] * w2 * dtanh(H) / len(r)

def grad_W1(X, H, r, w2):
    return X.T @ dA(H, r, w2)

def grad_b1(H, r, w2):
    return dA(H, r, w2).sum(axis=0)

def grad_w2(H, r):
    return H.T @ r / len(r)

def grad_b2(r):
    return np.mean(r)
