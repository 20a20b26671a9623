# expect: grad_w=ignores:b; grad_b=ignores:b
# exercise: quantile
import numpy as np

def grad_w(X, y, w, tau):
    e = y - X.dot(w)
    return X.T.dot(np.where(e > 0, -tau, 1 - tau)) / y.shape[0]

def grad_b(X, y, w, tau):
    e = y - X.dot(w)
    return np.where(e > 0, -tau, 1 - tau).sum() / y.shape[0]
