# expect: grad_w=last-only+mean-of-products; grad_b=last-only+factor:n
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y, w, b):
    for i in range(len(y)):
        ri = X[i] @ w + b - y[i]
    g = 0
    for i in range(len(y)):
        g = g + ri * X[i]
    return g
def grad_b(X, y, w, b):
    for i in range(len(y)):
        ri = X[i] @ w + b - y[i]
    return len(y) * ri
