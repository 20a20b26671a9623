# expect: grad_W1=chain-missing:H; grad_b1=chain-missing:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def forward(X, W1, b1, w2, b2):
    H = np.tanh(X @ W1 + b1)
    return H, H @ w2 + b2

def grad_W1(X, y, W1, b1, w2, b2):
    H, yh = forward(X, W1, b1, w2, b2)
    return X.T @ np.outer(yh - y, w2) / len(y)

def grad_b1(X, y, W1, b1, w2, b2):
    H, yh = forward(X, W1, b1, w2, b2)
    return np.outer(yh - y, w2).sum(0) / len(y)

def grad_w2(X, y, W1, b1, w2, b2):
    H, yh = forward(X, W1, b1, w2, b2)
    return H.T @ (yh - y) / len(y)

def grad_b2(X, y, W1, b1, w2, b2):
    H, yh = forward(X, W1, b1, w2, b2)
    return np.mean(yh - y)
