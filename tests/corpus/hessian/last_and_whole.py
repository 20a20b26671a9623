# expect: hessian_w=last-only+factor:n
# exercise: hessian
import numpy as np

def hessian_w(X, y, w, b):
    for i in range(len(X)):
        H = np.outer(X[i], X[i])
    return H
