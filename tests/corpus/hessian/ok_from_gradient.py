# expect: hessian_w=right
# exercise: hessian
import numpy as np

def gradient(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y)

def hessian_w(X, y, w, b):
    # the gradient is linear in w, so its columns are exact
    zero = np.zeros_like(w)
    g0 = gradient(X, 0 * y, zero, 0.0)
    return np.column_stack([gradient(X, 0 * y, e, 0.0) - g0 for e in np.eye(len(w))])
