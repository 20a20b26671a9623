# expect: grad_w=right; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    n = len(y)
    C = X.T @ X / n
    return C @ w + b * X.mean(0) - X.T @ y / n

def grad_b(X, y, w, b):
    return X.mean(0) @ w + b - y.mean()
