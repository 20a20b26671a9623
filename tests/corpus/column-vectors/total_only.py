# expect: grad_w=chain-missing:y_hat|swapped-answer:grad_b; grad_b=right
# exercise: column-vectors
import numpy as np

def grad_w(X, r):
    return np.ones((X.shape[1], 1)) * r.sum()

def grad_b(r):
    return np.array([r.sum()])
