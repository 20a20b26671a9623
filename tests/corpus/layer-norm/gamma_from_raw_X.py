# expect: grad_X=right; grad_gamma=wrong-variable; grad_beta=wrong-variable
# exercise: layer-norm
import numpy as np

def grad_X(gamma, G, Xhat, var):
    D = gamma * G
    proj = np.mean(D, 1, keepdims=True) + Xhat * np.mean(D * Xhat, 1, keepdims=True)
    return (D - proj) / np.sqrt(var + 1e-5)

def grad_gamma(G, X):
    return (G * X).sum(axis=0)

def grad_beta(G, gamma):
    return (G * gamma).sum(axis=0)
