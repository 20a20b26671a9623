# expect: grad_X=missing-term:mu+missing-term:var; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, gamma, var):
    return G * gamma / np.sqrt(var + 1e-5)

def grad_gamma(G, Xhat):
    return (G * Xhat).sum(axis=0)

def grad_beta(G):
    return G.sum(axis=0)
