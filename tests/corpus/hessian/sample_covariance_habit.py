# expect: hessian_w=factor:n/(n-1)|off-by-one
# exercise: hessian
import numpy as np

def hessian_w(X):
    return np.einsum("ni,nj->ij", X, X) / (X.shape[0] - 1)
