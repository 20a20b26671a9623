# expect: grad_W1=chain-missing:y_hat+factor:n; grad_b1=right; grad_w2=right; grad_b2=sign+factor:2
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r):
    return X.T @ ((1 - H**2) * r[:, None])

def grad_b1(H, r, w2):
    return (1 - H**2).T @ r * w2 / len(r)

def grad_w2(H, r):
    return H.T @ r / len(r)

def grad_b2(y, y_hat):
    return 2 * np.mean(y - y_hat)
