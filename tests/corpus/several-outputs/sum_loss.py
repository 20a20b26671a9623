# expect: grad_W=factor:n; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    G = np.zeros_like(W)
    for x, t in zip(X, Y):
        G += np.outer(x, x @ W + b - t)
    return G

def grad_b(X, Y, W, b):
    g = np.zeros_like(b)
    for x, t in zip(X, Y):
        g += x @ W + b - t
    return g / len(X)
