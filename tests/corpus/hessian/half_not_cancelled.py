# expect: hessian_w=factor:1/2
# exercise: hessian
import numpy as np

def hessian_w(X, y, w, b):
    n, d = X.shape
    H = np.zeros((d, d))
    for i in range(n):
        H += 0.5 * np.outer(X[i], X[i])
    return H / n
