# expect: grad_X=axis|not-recognised; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

def grad_X(X, gamma, G, Xhat, var):
    D = G * gamma
    return (D - D.mean(0) - Xhat * (D * Xhat).mean(0)) / np.sqrt(var + 1e-5)
def grad_gamma(Xhat, G): return np.einsum("ij,ij->j", Xhat, G)
def grad_beta(G): return G.sum(axis=0)
