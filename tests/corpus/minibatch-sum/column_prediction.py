# expect: grad_w=broadcast; grad_b=broadcast|factor:n
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    yhat = X @ w.reshape(-1, 1) + b
    r = yhat - y
    return (X.T @ r).sum(axis=1)

def grad_b(X, y, w, b):
    yhat = X @ w.reshape(-1, 1) + b
    return np.sum(yhat - y)
