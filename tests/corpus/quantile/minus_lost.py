# expect: grad_w=sign|chain-missing:e; grad_b=sign|chain-missing:e
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    e = y - X @ w - b
    return X.T @ np.where(e > 0, tau, tau - 1) / len(y)

def grad_b(X, y, w, b, tau):
    e = y - X @ w - b
    return np.mean(np.where(e > 0, tau, tau - 1))
