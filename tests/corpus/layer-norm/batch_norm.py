# expect: grad_X=axis; grad_gamma=axis; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G):
    s = np.sqrt(X.var(axis=0) + 1e-5)
    xh = (X - X.mean(axis=0)) / s
    D = G * gamma
    return (D - D.mean(axis=0) - xh * (D * xh).mean(axis=0)) / s

def grad_gamma(X, G):
    xh = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5)
    return (G * xh).sum(axis=0)

def grad_beta(G):
    return G.sum(axis=0)
