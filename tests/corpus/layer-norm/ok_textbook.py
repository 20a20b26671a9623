# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G, mu, var):
    n, d = X.shape
    inv = 1 / np.sqrt(var + 1e-5)
    dXhat = G * gamma
    dvar = np.sum(dXhat * (X - mu), axis=1, keepdims=True) * -0.5 * inv**3
    dmu = -np.sum(dXhat * inv, axis=1, keepdims=True) - 2 * dvar * np.mean(X - mu, axis=1, keepdims=True)
    return dXhat * inv + dvar * 2 * (X - mu) / d + dmu / d

def grad_gamma(G, Xhat):
    return np.sum(G * Xhat, axis=0)

def grad_beta(G):
    return np.sum(G, axis=0)
