# expect: hessian_w=changes-input
# exercise: hessian
import numpy as np

def hessian_w(X):
    X /= np.sqrt(len(X))
    return X.T @ X
