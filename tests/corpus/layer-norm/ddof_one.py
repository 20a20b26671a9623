# expect: grad_X=term-factor:var|not-recognised; grad_gamma=term-factor:var; grad_beta=right
# exercise: layer-norm
import numpy as np

def norm(X):
    mu = X.mean(1, keepdims=True)
    v = X.var(1, ddof=1, keepdims=True)
    return (X - mu) / np.sqrt(v + 1e-5), v
def grad_X(X, gamma, G):
    Xh, v = norm(X)
    D = G * gamma
    return (D - D.mean(1, keepdims=True) - Xh * (D * Xh).mean(1, keepdims=True)) / np.sqrt(v + 1e-5)
def grad_gamma(X, G): return (G * norm(X)[0]).sum(0)
def grad_beta(G): return G.sum(0)
