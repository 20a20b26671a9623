# expect: grad_w=right; grad_b=swapped-answer:grad_w|wrong-variable|chain-twice:y_hat
# exercise: minibatch-mean
import numpy as np

def grad_w(X, r): return X.T @ r / len(r)
def grad_b(X, r): return grad_w(X, r).sum()
