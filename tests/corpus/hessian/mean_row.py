# expect: hessian_w=mean-of-products
# exercise: hessian
import numpy as np

def hessian_w(X):
    m = X.mean(axis=0)
    return m[:, None] * m[None, :]
