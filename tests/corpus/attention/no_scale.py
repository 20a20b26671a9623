# expect: grad_Q=factor:sqrt(d); grad_K=factor:sqrt(d); grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = G @ V.T
    return P * (dP - (P * dP).sum(axis=1, keepdims=True))

def grad_Q(K, V, P, G):
    return dS(P, V, G) @ K

def grad_K(Q, V, P, G):
    return dS(P, V, G).T @ Q

def grad_V(P, G):
    return P.T @ G
