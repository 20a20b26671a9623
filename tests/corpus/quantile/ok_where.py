# expect: grad_w=right; grad_b=right
# exercise: quantile
import numpy as np

def drho(e, tau):
    return np.where(tau * e >= (tau - 1) * e, tau, tau - 1)

def grad_e(e, tau):
    return drho(e, tau) / e.size

def grad_w(X, e, tau):
    return -X.T @ grad_e(e, tau)

def grad_b(e, tau):
    return -grad_e(e, tau).sum()
