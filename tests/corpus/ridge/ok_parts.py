# expect: grad_w=right; grad_b=right
# exercise: ridge
import numpy as np

def grad_data_w(X, r):
    return np.add.reduce(X * r[:, None], axis=0) / X.shape[0]

def grad_penalty_w(w, lam):
    return lam * w

def grad_w(X, r, w, lam):
    return grad_data_w(X, r) + grad_penalty_w(w, lam)

def grad_b(r):
    return np.add.reduce(r) / r.shape[0]
