# expect: grad_Q=right; grad_K=right; grad_V=axis
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = G @ V.T
    return P * (dP - (P * dP).sum(1, keepdims=True)) / np.sqrt(V.shape[1])

def grad_Q(K, V, P, G):
    return dS(P, V, G) @ K

def grad_K(Q, V, P, G):
    return dS(P, V, G).T @ Q

def grad_V(S, G):
    E = np.exp(S)
    P = E / E.sum(axis=0)
    return P.T @ G
