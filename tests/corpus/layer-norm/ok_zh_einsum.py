# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
import numpy as np

行均值 = lambda M: np.einsum("nd->n", M)[:, None] / M.shape[1]   # 每一行的平均

def grad_X(G, gamma, Xhat, var):
    D = np.einsum("nd,d->nd", G, gamma)
    return (D - 行均值(D) - Xhat * 行均值(D * Xhat)) / np.sqrt(var + 1e-5)

grad_gamma = lambda G, Xhat: np.einsum("nd,nd->d", G, Xhat)
grad_beta = lambda G: np.einsum("nd->d", G)
