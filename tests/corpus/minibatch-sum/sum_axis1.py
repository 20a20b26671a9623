# expect: grad_w=axis; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, r):
    return np.sum(X * r.reshape(-1, 1), axis=1)

def grad_b(r):
    return np.sum(r)
