# expect: grad_W1=right; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_y_hat(r):
    return r / len(r)

def grad_H(r, w2):
    return np.outer(grad_y_hat(r), w2)

def grad_A(r, w2, A):
    return grad_H(r, w2) / np.cosh(A) ** 2

def grad_W1(X, r, w2, A):
    return X.T @ grad_A(r, w2, A)

def grad_b1(r, w2, A):
    return np.sum(grad_A(r, w2, A), axis=0)

def grad_w2(H, r):
    return grad_y_hat(r) @ H

def grad_b2(r):
    return np.sum(grad_y_hat(r))
