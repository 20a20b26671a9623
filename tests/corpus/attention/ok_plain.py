# expect: grad_Q=right; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = G @ V.T
    return P * (dP - np.sum(P * dP, axis=1, keepdims=True)) / np.sqrt(V.shape[1])

def grad_Q(K, V, P, G):
    return dS(P, V, G) @ K

def grad_K(Q, V, P, G):
    return dS(P, V, G).T @ Q

def grad_V(P, G):
    return P.T @ G
