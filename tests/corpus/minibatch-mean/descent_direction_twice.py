# expect: grad_w=sign+factor:2; grad_b=sign+factor:2
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    n = float(len(X))
    g = np.zeros(len(w))
    for i in range(len(X)):
        g += -(2 / n) * X[i] * ((w @ X[i] + b) - y[i])
    return g

def grad_b(X, y, w, b):
    n = float(len(X))
    return sum(-(2 / n) * ((w @ X[i] + b) - y[i]) for i in range(len(X)))
