# expect: grad_w=shape; grad_b=shape
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    r = (X @ w + b - y)[:, None]
    return X.T @ r / len(r)

def grad_b(X, y, w, b):
    r = (X @ w + b - y)[:, None]
    return np.mean(r, axis=0)
