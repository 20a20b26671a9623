# expect: grad_w=term-factor:rho; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    a = np.abs(r)
    return np.mean(X * np.where(a <= delta, r / 2, delta * r / a)[:, None], 0)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    a = np.abs(r)
    return np.mean(np.where(a <= delta, r, delta * r / a))
