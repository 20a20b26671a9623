# expect: grad_w=chain-twice:p; grad_b=chain-twice:p
# exercise: logistic
import numpy as np

def sigma(z):
    return 1 / (1 + np.exp(-z))

def grad_w(X, y, w, b):
    p = sigma(X @ w + b)
    return X.T @ ((p - y) * p * (1 - p)) / len(y)

def grad_b(X, y, w, b):
    p = sigma(X @ w + b)
    return np.mean((p - y) * p * (1 - p))
