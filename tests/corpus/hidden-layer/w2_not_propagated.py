# expect: grad_W1=chain-missing:y_hat; grad_b1=chain-missing:y_hat; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r):
    delta = r[:, None] * (1 - H**2)
    return X.T @ delta / len(r)

def grad_b1(H, r):
    delta = r[:, None] * (1 - H**2)
    return delta.mean(axis=0)

def grad_w2(H, r):
    return H.T @ r / len(r)

def grad_b2(r):
    return r.mean()
