# expect: grad_Q=sign+factor:sqrt(d); grad_K=factor:sqrt(d); grad_V=right
# exercise: attention
import numpy as np

def grad_Q(K, V, P, G):
    dP = G @ V.T
    return (P * ((P * dP).sum(1, keepdims=True) - dP)) @ K

def grad_K(Q, V, P, G):
    dP = G @ V.T
    return (P * (dP - (P * dP).sum(1, keepdims=True))).T @ Q

def grad_V(P, G):
    return P.T @ G
