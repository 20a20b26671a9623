# expect: grad_w=loss-for-derivative; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    e = y - (X @ w + b)
    d = np.where(e >= 0, tau * e, (tau - 1) * e)
    return -(X.T @ d) / len(e)

def grad_b(X, y, w, b, tau):
    e = y - (X @ w + b)
    d = np.where(e >= 0, tau, (tau - 1))
    return -np.mean(d)
