# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G):
    d = X.shape[1]
    out = np.empty_like(X)
    C = np.eye(d) - np.ones((d, d)) / d
    for i, x in enumerate(X):
        s = np.sqrt(np.var(x) + 1e-5)
        xh = C @ x / s
        J = (C - np.outer(xh, xh) / d) / s
        out[i] = J.T @ (gamma * G[i])
    return out

def grad_gamma(X, G):
    c = X - np.mean(X, axis=1)[:, None]
    return np.sum(G * c / np.sqrt(np.mean(c * c, axis=1)[:, None] + 1e-5), axis=0)

def grad_beta(G):
    return np.ones(len(G)) @ G
