# expect: hessian_w=right
# exercise: hessian
import numpy as np

def hessian_w(X):
    d = X.shape[1]
    H = np.zeros((d, d))
    for i in range(d):
        for j in range(i, d):
            H[i, j] = H[j, i] = np.mean(X[:, i] * X[:, j])
    return H
