# expect: grad_W1=chain-at:H|term-factor:H|missing-term:H; grad_b1=chain-at:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def backward(X, H, r, w2):
    n = len(r)
    d = r / n
    dH = d[:, None] * w2
    dA = dH * (1 - H)
    return X.T @ dA, dA.sum(0), H.T @ d, d.sum()
def grad_W1(X, H, r, w2): return backward(X, H, r, w2)[0]
def grad_b1(X, H, r, w2): return backward(X, H, r, w2)[1]
def grad_w2(X, H, r, w2): return backward(X, H, r, w2)[2]
def grad_b2(X, H, r, w2): return backward(X, H, r, w2)[3]
