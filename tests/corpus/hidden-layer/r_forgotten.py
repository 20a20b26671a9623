# expect: grad_W1=chain-missing:loss; grad_b1=chain-missing:loss; grad_w2=chain-missing:loss; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, w2):
    return X.T @ (w2 * (1 - H**2)) / len(X)

def grad_b1(H, w2):
    return (w2 * (1 - H**2)).mean(0)

def grad_w2(H):
    return H.mean(0)

def grad_b2(r):
    return r.mean()
