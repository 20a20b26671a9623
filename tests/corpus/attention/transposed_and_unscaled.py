# expect: grad_Q=right; grad_K=transpose+factor:sqrt(d); grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = G @ V.T
    return P * (dP - (P * dP).sum(1, keepdims=True))

def grad_Q(K, P, V, G):
    return dS(P, V, G) @ K / np.sqrt(K.shape[1])

def grad_K(Q, P, V, G):
    return dS(P, V, G) @ Q

def grad_V(P, G):
    return P.T @ G
