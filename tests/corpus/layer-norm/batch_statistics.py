# expect: grad_X=axis; grad_gamma=axis; grad_beta=right
# exercise: layer-norm
import numpy as np

def hat(X):
    mu = X.mean(axis=0); var = X.var(axis=0)
    return (X - mu) / np.sqrt(var + 1e-5), np.sqrt(var + 1e-5)
def grad_X(X, gamma, G):
    Xhat, s = hat(X)
    D = G * gamma
    return (D - D.mean(0) - Xhat * (D * Xhat).mean(0)) / s
def grad_gamma(X, G): return (G * hat(X)[0]).sum(0)
def grad_beta(G): return G.sum(0)
