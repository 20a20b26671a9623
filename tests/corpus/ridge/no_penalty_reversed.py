# expect: grad_w=sign+missing-term:penalty|sign+ignores:lam; grad_b=sign
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b):
    return np.mean(X.T * (y - X @ w - b), axis=1)

def grad_b(X, y, w, b):
    return np.mean(y - X @ w - b)
