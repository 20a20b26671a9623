# expect: grad_w=right; grad_b=ignores:b
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    yhat = np.array([np.dot(row, w) + b for row in X])
    return np.array([np.mean((yhat - y) * col) for col in X.T])

def grad_b(X, y, w, b):
    yhat = np.array([np.dot(row, w) for row in X])
    return np.mean(yhat - y)
