# expect: grad_X=chain-missing:Xhat; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, Xhat):
    D = gamma * G
    return D - np.mean(D, 1, keepdims=True) - Xhat * np.mean(D * Xhat, 1, keepdims=True)

def grad_gamma(G, Xhat):
    g = np.zeros(G.shape[1])
    for i in range(len(G)):
        g += G[i] * Xhat[i]
    return g

def grad_beta(G):
    return sum(G)
