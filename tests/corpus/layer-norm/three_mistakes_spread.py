# expect: grad_X=sign+missing-term:var; grad_gamma=not-summed; grad_beta=factor:1/d
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, var):
    D = G * gamma
    return (D.mean(1, keepdims=True) - D) / np.sqrt(var + 1e-5)

def grad_gamma(G, Xhat):
    return G * Xhat

def grad_beta(G):
    return G.sum(0) / G.shape[1]
