# expect: hessian_w=elementwise
# exercise: hessian
import numpy as np

def hessian_w(X):
    # second derivative with respect to each w_j
    return np.diag(np.mean(X**2, axis=0))
