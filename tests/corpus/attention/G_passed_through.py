# expect: grad_Q=right; grad_K=sign; grad_V=chain-missing:O
# exercise: attention
import numpy as np

def grad_Q(K, V, P, G):
    dP = G @ V.T
    dS = P * (dP - (P * dP).sum(1, keepdims=True))
    return dS @ K / np.sqrt(K.shape[1])

def grad_K(Q, V, P, G):
    dP = G @ V.T
    dS = P * ((P * dP).sum(1, keepdims=True) - dP)
    return dS.T @ Q / np.sqrt(Q.shape[1])

def grad_V(G):
    return G
