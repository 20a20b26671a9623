# expect: hessian_w=mean-of-products
# exercise: hessian
import numpy as np

def hessian_w(X):
    m = X.mean(0)
    return np.outer(m, m)
