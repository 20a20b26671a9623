# expect: grad_X=right; grad_gamma=right; grad_beta=factor:1/n
# exercise: layer-norm
import numpy as np

def _norm(X):
    s = np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)
    return (X - X.mean(axis=1, keepdims=True)) / s, s

def grad_X(X, gamma, G):
    xh, s = _norm(X)
    D = gamma * G
    return (D - D.mean(1)[:, None] - xh * (D * xh).mean(1)[:, None]) / s

def grad_gamma(X, G):
    return (_norm(X)[0] * G).sum(0)

def grad_beta(G):
    return G.mean(0)
