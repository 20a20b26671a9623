# expect: grad_X=missing-term:var+chain-missing:out; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, var):
    return (G - G.mean(1, keepdims=True)) / np.sqrt(var + 1e-5)

def grad_gamma(G, Xhat):
    return np.diag(G.T @ Xhat)

def grad_beta(G):
    return G.T.sum(axis=1)
