# expect: grad_X=right; grad_gamma=axis; grad_beta=axis
# exercise: layer-norm
import numpy as np

def grad_X(G, gamma, Xhat, var):
    D = G * gamma
    out = D - D.mean(1, keepdims=True) - Xhat * (D * Xhat).mean(1, keepdims=True)
    return out / np.sqrt(var + 1e-5)

def grad_gamma(G, Xhat):
    return np.sum(G * Xhat, axis=1)

def grad_beta(G):
    return np.sum(G, axis=1)
