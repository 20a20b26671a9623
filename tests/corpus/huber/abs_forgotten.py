# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: huber
import numpy as np

def psi(r, delta):
    return np.where(r <= delta, r, delta)

def grad_w(X, y, w, b, delta):
    return X.T @ psi(X @ w + b - y, delta) / len(y)

def grad_b(X, y, w, b, delta):
    return psi(X @ w + b - y, delta).mean()
