# expect: grad_w=right; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return X.T @ (p - y) / len(y)

def grad_b(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return (p - y).mean()
