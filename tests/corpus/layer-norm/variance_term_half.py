# expect: grad_X=term-factor:var; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G, mu, var):
    n, d = X.shape
    inv = 1 / np.sqrt(var + 1e-5)
    D = G * gamma
    dvar = np.sum(D * (X - mu) * -0.5 * inv**3, axis=1, keepdims=True)
    dmu = -np.sum(D * inv, axis=1, keepdims=True)
    return D * inv + dvar * (X - mu) / d + dmu / d      # d(x^2) = x ?

def grad_gamma(G, Xhat):
    return np.sum(G * Xhat, axis=0)

def grad_beta(G):
    return np.sum(G, axis=0)
