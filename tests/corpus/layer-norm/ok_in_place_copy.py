# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(G, gamma, Xhat, var):
    D = G.copy()
    D *= gamma
    c = np.einsum("nd,nd->n", D, Xhat) / D.shape[1]
    D -= D.mean(axis=1)[:, None]
    D -= Xhat * c[:, None]
    D /= np.sqrt(var + 1e-5)
    return D

def grad_gamma(G, Xhat):
    acc = np.zeros(Xhat.shape[1])
    for g, xh in zip(G, Xhat):
        acc += g * xh
    return acc

def grad_beta(G):
    acc = np.zeros(G.shape[1])
    for g in G:
        acc += g
    return acc
