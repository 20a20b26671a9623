# expect: grad_w=sign+factor:n; grad_b=sign+factor:n/2
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    s = 0
    for i in range(len(y)):
        s = s - 2 * (X[i] @ w + b - y[i]) * X[i]
    return s

def grad_b(X, y, w, b):
    s = 0
    for i in range(len(y)):
        s = s - (X[i] @ w + b - y[i])
    return s
