# expect: grad_X=right; grad_gamma=chain-missing:out|swapped-answer:grad_beta; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, Xhat, var):
    D = gamma * G
    d = D.shape[1]
    t = d * D - D.sum(1, keepdims=True) - Xhat * (D * Xhat).sum(1, keepdims=True)
    return t / (d * np.sqrt(var + 1e-5))

def grad_gamma(G):
    return G.sum(0)

def grad_beta(G):
    return G.sum(0)
