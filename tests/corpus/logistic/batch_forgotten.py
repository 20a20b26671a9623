# expect: grad_w=factor:n; grad_b=factor:n
# exercise: logistic
import numpy as np
sig = lambda t: 0.5 * (1 + np.tanh(t / 2))

def grad_w(X, y, w, b):
    g = np.zeros_like(w)
    for i in range(len(y)):
        g += (sig(X[i] @ w + b) - y[i]) * X[i]
    return g

def grad_b(X, y, w, b):
    g = 0
    for i in range(len(y)):
        g += sig(X[i] @ w + b) - y[i]
    return g
