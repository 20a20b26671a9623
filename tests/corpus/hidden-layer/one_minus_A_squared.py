# expect: grad_W1=chain-at:H; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, A, r, w2):
    return X.T @ (np.outer(r, w2) * (1 - A**2)) / len(X)

def grad_b1(H, r, w2):
    return np.mean(np.outer(r, w2) * (1 - H**2), axis=0)

def grad_w2(H, r):
    return r @ H / len(r)

def grad_b2(r):
    return np.sum(r) / len(r)
