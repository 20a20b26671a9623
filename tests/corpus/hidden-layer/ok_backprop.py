# expect: grad_W1=right; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def backprop(X, y, W1, b1, w2, b2):
    A = X @ W1 + b1
    H = np.tanh(A)
    dy = (H @ w2 + b2 - y) / len(y)
    dA = dy[:, None] * w2 * (1 - H**2)
    return X.T @ dA, dA.sum(0), H.T @ dy, dy.sum()

def grad_W1(X, y, W1, b1, w2, b2):
    return backprop(X, y, W1, b1, w2, b2)[0]

def grad_b1(X, y, W1, b1, w2, b2):
    return backprop(X, y, W1, b1, w2, b2)[1]

def grad_w2(X, y, W1, b1, w2, b2):
    return backprop(X, y, W1, b1, w2, b2)[2]

def grad_b2(X, y, W1, b1, w2, b2):
    return backprop(X, y, W1, b1, w2, b2)[3]
