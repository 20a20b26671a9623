# expect: grad_w=last-only; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    total = np.zeros(X.shape[1])
    for i in range(len(y)):
        ri = np.dot(X[i], w) + b - y[i]
        gi = ri * X[i]
    total += gi
    return total

def grad_b(X, y, w, b):
    return (X.dot(w) + b - y).sum()
