# expect: hessian_w=last-only
# exercise: hessian
import numpy as np

def hessian_w(X):
    n, d = X.shape
    H = np.zeros((d, d))
    for x in X:
        H = np.outer(x, x)
    return H / n
