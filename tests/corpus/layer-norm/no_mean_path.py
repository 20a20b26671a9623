# expect: grad_X=missing-term:mu; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G, Xhat, var):
    D = G * gamma
    return (D - Xhat * (D * Xhat).mean(1, keepdims=True)) / np.sqrt(var + 1e-5)
def grad_gamma(Xhat, G): return (Xhat * G).sum(0)
def grad_beta(G): return G.sum(0)
