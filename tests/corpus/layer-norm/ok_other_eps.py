# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def normalised(X, eps=1e-8):
    centred = X - X.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + eps)
    return centred / scale, scale

def grad_X(X, gamma, G):
    Xhat, scale = normalised(X)
    D = G * gamma
    return (D - D.mean(axis=1, keepdims=True) - Xhat * np.mean(D * Xhat, axis=1, keepdims=True)) / scale

def grad_gamma(X, G):
    return np.sum(G * normalised(X)[0], axis=0)

def grad_beta(G):
    return G.sum(axis=0)
