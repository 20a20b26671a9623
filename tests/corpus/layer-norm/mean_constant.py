# expect: grad_X=missing-term:mu; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, gamma, Xhat, var):
    s = np.sqrt(var + 1e-5)
    D = G * gamma
    return D / s - Xhat * (D * Xhat).mean(axis=1, keepdims=True) / s

def grad_gamma(G, Xhat):
    return np.sum(Xhat * G, 0)

def grad_beta(G):
    return np.sum(G, 0)
