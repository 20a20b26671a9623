# expect: grad_X=term-sign:var; grad_gamma=sign; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, Xhat, var):
    D = gamma * G
    return (D - D.mean(1, keepdims=True) + Xhat * (D * Xhat).mean(1, keepdims=True)) / np.sqrt(var + 1e-5)

def grad_gamma(G, X, mu, var):
    return np.sum(G * (mu - X) / np.sqrt(var + 1e-5), axis=0)

def grad_beta(G):
    return G.sum(0)
