# expect: grad_Q=right; grad_K=right; grad_V=transpose
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = np.einsum("id,jd->ij", G, V)
    return P * (dP - np.einsum("ij,ij->i", P, dP)[:, None])

def grad_Q(K, V, P, G):
    return dS(P, V, G) @ K / np.sqrt(K.shape[1])

def grad_K(Q, V, P, G):
    return dS(P, V, G).T @ Q / np.sqrt(Q.shape[1])

def grad_V(P, G):
    return P @ G
