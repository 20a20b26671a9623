# expect: grad_W1=sign+chain-at:H; grad_b1=sign; grad_w2=sign; grad_b2=sign
# exercise: hidden-layer
import numpy as np

def grad_W1(X, y, A, y_hat, w2):
    e = y - y_hat
    return X.T @ (e[:, None] * w2 * (1 - A**2)) / len(e)

def grad_b1(y, H, y_hat, w2):
    e = y - y_hat
    return (e[:, None] * w2 * (1 - H**2)).mean(0)

def grad_w2(y, H, y_hat):
    e = y - y_hat
    return H.T @ e / len(e)

def grad_b2(y, y_hat):
    return (y - y_hat).mean()
