# expect: hessian_w=not-recognised
# exercise: hessian
import numpy as np

def hessian_w(X):
    return np.cov(X, rowvar=False, bias=True)
