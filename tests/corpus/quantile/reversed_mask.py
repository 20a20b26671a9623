# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: quantile
import numpy as np

def s(e, tau): return np.where(e < 0, -tau, 1 - tau)
def grad_w(X, e, tau): return X.T @ s(e, tau) / len(e)
def grad_b(e, tau): return s(e, tau).mean()
