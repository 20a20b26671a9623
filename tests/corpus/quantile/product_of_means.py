# expect: grad_w=mean-of-products; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, e, tau):
    return np.mean(X, axis=0) * np.mean((e < 0) - tau)

def grad_b(e, tau):
    return np.mean((e < 0) - tau)
