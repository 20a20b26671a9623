# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: quantile
import numpy as np

def grad_w(X, e, tau):
    s = np.where(e < 0, tau, tau - 1)
    return -X.T @ s / len(e)

def grad_b(e, tau):
    s = np.where(e < 0, tau, tau - 1)
    return -s.mean()
