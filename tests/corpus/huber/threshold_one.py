# expect: grad_w=global-or-hardcoded|kink-threshold; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    g = np.where(abs(r) <= 1, r, delta * np.sign(r))
    return X.T @ g / len(y)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    return np.where(abs(r) <= delta, r, delta * np.sign(r)).mean()
