# expect: grad_w=first-only; grad_b=first-only
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    g = np.zeros(w.shape)
    for i in range(X.shape[0]):
        g += (X[i] @ w + b - y[i]) * X[i]
        return g

def grad_b(X, y, w, b):
    g = 0.0
    for i in range(X.shape[0]):
        g += X[i] @ w + b - y[i]
        return g
