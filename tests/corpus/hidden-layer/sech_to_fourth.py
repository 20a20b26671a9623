# expect: grad_W1=chain-twice:H; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r, w2):
    dH = r[:, None] * w2[None, :] * (1 - H**2) / len(r)
    dA = dH * (1 - H**2)
    return X.T @ dA

def grad_b1(H, r, w2):
    dH = r[:, None] * w2[None, :] / len(r)
    dA = dH * (1 - H**2)
    return dA.sum(0)

def grad_w2(H, r):
    return H.T @ r / len(r)

def grad_b2(r):
    return sum(r) / len(r)
