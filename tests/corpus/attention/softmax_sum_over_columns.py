# expect: grad_Q=axis; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def grad_Q(K, V, P, G):
    dP = G @ V.T
    dS = P * (dP - (P * dP).sum(axis=0, keepdims=True))
    return dS @ K / np.sqrt(K.shape[1])

def grad_K(Q, V, P, G):
    dP = G @ V.T
    dS = P * (dP - (P * dP).sum(axis=1, keepdims=True))
    return dS.T @ Q / np.sqrt(Q.shape[1])

def grad_V(P, G):
    out = np.zeros(G.shape)
    for i in range(len(G)):
        out += np.outer(P[i], G[i])
    return out
