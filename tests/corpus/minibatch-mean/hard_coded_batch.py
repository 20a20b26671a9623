# expect: grad_w=global-or-hardcoded|factor:n/10; grad_b=right
# exercise: minibatch-mean
import numpy as np
batch = 10

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / batch

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
