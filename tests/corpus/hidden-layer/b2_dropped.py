# expect: grad_W1=ignores:b2; grad_b1=ignores:b2; grad_w2=ignores:b2; grad_b2=ignores:b2
# exercise: hidden-layer
import numpy as np

def grad_W1(X, y, H, w2):
    r = H @ w2 - y
    return X.T @ (np.outer(r, w2) * (1 - H**2)) / len(y)

def grad_b1(y, H, w2):
    r = H @ w2 - y
    return (np.outer(r, w2) * (1 - H**2)).mean(0)

def grad_w2(y, H, w2):
    r = H @ w2 - y
    return H.T @ r / len(y)

def grad_b2(y, H, w2):
    return np.mean(H @ w2 - y)
