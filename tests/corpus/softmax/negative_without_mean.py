# expect: grad_W=sign+factor:n; grad_b=sign
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    G = 0
    for x, p, t in zip(X, P, Y):
        G = G + np.outer(x, t - p)
    return G

def grad_b(P, Y):
    return np.mean(Y - P, axis=0)
