# expect: hessian_w=transpose+factor:n
# exercise: hessian
import numpy as np

def hessian_w(X):
    return np.dot(X, X.T)
