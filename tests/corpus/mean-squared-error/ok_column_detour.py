# expect: grad_w=right; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    wc = w.reshape(-1, 1)
    yc = y.reshape(-1, 1)
    g = (2 / X.shape[0]) * X.T.dot(X.dot(wc) + b - yc)
    return g.ravel()

def grad_b(X, y, w, b):
    wc = w.reshape(-1, 1)
    yc = y.reshape(-1, 1)
    return 2 * np.mean(X.dot(wc) + b - yc)
