# expect: grad_w=right; grad_b=extra-term:b
# exercise: minibatch-mean
import numpy as np

def grad_w(X, r):
    return np.einsum("ij,i->j", X, r) / r.size

def grad_b(b, r):
    # don't forget the bias
    return r.mean() + b
