# expect: grad_Q=right; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = np.einsum("id,jd->ij", G, V)
    row = np.einsum("ij,ij->i", P, dP)
    return np.einsum("ij,ij->ij", P, dP - row[:, None])

grad_Q = lambda K, P, V, G: np.einsum("ij,jd->id", dS(P, V, G), K) * K.shape[1] ** -0.5
grad_K = lambda Q, P, V, G: np.einsum("ij,id->jd", dS(P, V, G), Q) * Q.shape[1] ** -0.5
grad_V = lambda P, G: np.einsum("ij,id->jd", P, G)
