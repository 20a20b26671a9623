# expect: grad_w=sign+factor:1/(2*n); grad_b=sign+factor:1/n
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    n = X.shape[0]
    return np.dot(X.T, y - np.dot(X, w) - b) / (2 * n)

def grad_b(X, y, w, b):
    return np.average(y - np.dot(X, w) - b)
