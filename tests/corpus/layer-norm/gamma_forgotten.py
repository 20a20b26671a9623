# expect: grad_X=chain-missing:out; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, Xhat, var):
    m1 = G.mean(axis=1, keepdims=True)
    m2 = (G * Xhat).mean(axis=1, keepdims=True)
    return (G - m1 - Xhat * m2) / np.sqrt(var + 1e-5)

def grad_gamma(X, G):
    c = X - X.mean(1, keepdims=True)
    return (G * c / np.sqrt(c.var(1, keepdims=True) + 1e-5)).sum(0)

def grad_beta(G):
    return np.add.reduce(G)
