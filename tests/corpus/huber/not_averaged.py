# expect: grad_w=factor:n; grad_b=factor:n
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    return X.T @ np.clip(X @ w + b - y, -delta, delta)

def grad_b(X, y, w, b, delta):
    return np.clip(X @ w + b - y, -delta, delta).sum()
