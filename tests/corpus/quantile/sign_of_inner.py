# expect: grad_w=sign; grad_b=sign
# exercise: quantile
import numpy as np

def grad_w(X, e, tau): return X.T @ np.where(e > 0, tau, tau - 1) / len(e)
def grad_b(e, tau): return np.where(e > 0, tau, tau - 1).mean()
