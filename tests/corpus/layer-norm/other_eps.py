# expect: grad_X=right; grad_gamma=not-recognised|global-or-hardcoded; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, Xhat, var):
    D = gamma * G
    return (D - D.mean(1, keepdims=True) - Xhat * (D * Xhat).mean(1, keepdims=True)) / np.sqrt(var + 1e-5)

def grad_gamma(X, G, mu, var):
    xh = (X - mu) / np.sqrt(var + 1e-3)
    return (G * xh).sum(0)

def grad_beta(G):
    return G.sum(0)
