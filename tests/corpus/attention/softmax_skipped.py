# expect: grad_Q=chain-missing:P; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def grad_Q(K, V, G):
    d = K.shape[1]
    return G @ V.T @ K / np.sqrt(d)

def grad_K(Q, V, P, G):
    d = Q.shape[1]
    dP = G @ V.T
    dS = P * (dP - np.diag(dP @ P.T)[:, None])
    return dS.T @ Q / np.sqrt(d)

def grad_V(P, G):
    return P.T @ G
