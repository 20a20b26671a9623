# expect: grad_W=factor:n/k; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    k = Y.shape[1]
    return np.dot(X.T, np.dot(X, W) + b - Y) / k

def grad_b(X, Y, W, b):
    return np.mean(np.dot(X, W) + b - Y, axis=0)
