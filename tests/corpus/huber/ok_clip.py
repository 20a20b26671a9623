# expect: grad_w=right; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    return X.T @ np.clip(X @ w + b - y, -delta, delta) / X.shape[0]

def grad_b(X, y, w, b, delta):
    return np.clip(X @ w + b - y, -delta, delta).mean()
