# expect: grad_W1=chain-missing:H; grad_b1=chain-missing:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np


def grad_r(r):
    return r / len(r)


def grad_y_hat(grad_r):
    return grad_r


def grad_H(grad_y_hat, w2):
    return np.outer(grad_y_hat, w2)


def grad_A(grad_H):
    return grad_H


def grad_W1(X, grad_A):
    return X.T @ grad_A


def grad_b1(grad_A):
    return grad_A.sum(axis=0)


def grad_w2(H, grad_y_hat):
    return H.T @ grad_y_hat


def grad_b2(grad_y_hat):
    return grad_y_hat.sum()
