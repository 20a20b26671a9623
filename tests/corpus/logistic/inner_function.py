# expect: grad_w=right; grad_b=no-return
# exercise: logistic
import numpy as np

def grad_w(X, p, y):
    return np.mean((p - y)[:, None] * X, 0)

def grad_b(X, y, w, b):
    def inner():
        p = 1 / (1 + np.exp(-X @ w - b))
        return np.mean(p - y)
    inner()
