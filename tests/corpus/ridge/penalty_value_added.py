# expect: grad_w=loss-for-derivative; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    r = X @ w + b - y
    return X.T @ r / len(r) + lam / 2 * np.sum(w**2)

def grad_b(X, y, w, b, lam):
    r = X @ w + b - y
    return r.mean()
