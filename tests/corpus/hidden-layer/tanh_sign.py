# expect: grad_W1=sign; grad_b1=sign; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def dA(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    r = H @ w2 + b2 - y
    return np.outer(r, w2) * (H**2 - 1) / len(y)

def grad_W1(X, y, W1, b1, w2, b2):
    return X.T @ dA(X, y, W1, b1, w2, b2)

def grad_b1(X, y, W1, b1, w2, b2):
    return np.sum(dA(X, y, W1, b1, w2, b2), axis=0)

def grad_w2(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    return H.T @ (H @ w2 + b2 - y) / len(y)

def grad_b2(X, y, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    return np.mean(H @ w2 + b2 - y)
