# expect: grad_w=mean-of-products; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, r):
    return X.mean(axis=0) * r.mean()

def grad_b(r):
    return r.mean()
