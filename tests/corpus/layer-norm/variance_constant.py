# expect: grad_X=missing-term:var; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, gamma, var):
    D = G * gamma
    D = D - D.mean(axis=1, keepdims=True)
    return D / np.sqrt(var + 1e-5)

def grad_gamma(G, Xhat):
    return np.einsum("nd,nd->d", G, Xhat)

def grad_beta(G):
    return np.einsum("nd->d", G)
