# expect: hessian_w=elementwise|shape
# exercise: hessian
import numpy as np

def hessian_w(X):
    return (X * X).sum(axis=0) / X.shape[0]
