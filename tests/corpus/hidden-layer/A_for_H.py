# expect: grad_W1=right; grad_b1=right; grad_w2=wrong-variable|chain-at:y_hat; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r, w2):
    return np.einsum("nd,n,h,nh->dh", X, r, w2, 1 - H * H) / len(r)

def grad_b1(H, r, w2):
    return np.einsum("n,h,nh->h", r, w2, 1 - H * H) / len(r)

def grad_w2(X, W1, b1, r):
    Z = X @ W1 + b1
    return Z.T @ r / len(r)

def grad_b2(r):
    return r.mean()
