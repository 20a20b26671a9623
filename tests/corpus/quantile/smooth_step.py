# expect: grad_w=not-recognised; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, e, tau):
    s = 1 / (1 + np.exp(10 * e))      # smooth version of e < 0
    return X.T @ (s - tau) / len(e)

def grad_b(e, tau):
    return np.mean((e < 0) - tau)
