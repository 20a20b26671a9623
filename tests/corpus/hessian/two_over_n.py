# expect: hessian_w=factor:2
# exercise: hessian
import numpy as np

def hessian_w(X, y, w, b):
    n = X.shape[0]
    return 2 / n * np.dot(X.T, X)
