# expect: grad_w=raises; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    e = y - X @ w - b
    slope = tau if max(tau * e, (tau - 1) * e) == tau * e else tau - 1
    return -X.T @ slope / len(y)

def grad_b(X, y, w, b, tau):
    e = y - X @ w - b
    return -np.mean(np.where(e > 0, tau, tau - 1))
