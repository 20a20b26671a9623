# expect: grad_w=not-recognised; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    inl = np.abs(r) <= delta
    psi = np.where(inl, r, delta * np.sign(r))
    return X.T @ psi / max(inl.sum(), 1)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    inl = np.abs(r) <= delta
    return np.where(inl, r, delta * np.sign(r)).mean()
