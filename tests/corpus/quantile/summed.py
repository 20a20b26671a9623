# expect: grad_w=factor:n; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    e = y - X @ w - b
    return X.T @ ((e < 0) - tau)

def grad_b(X, y, w, b, tau):
    e = y - X @ w - b
    return ((e < 0) - tau).mean()
