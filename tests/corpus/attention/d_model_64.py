# expect: grad_Q=global-or-hardcoded|factor:sqrt(d)/8; grad_K=right; grad_V=right
# exercise: attention
import numpy as np
d_model = 64

def dS(P, V, G):
    dP = G @ V.T
    return P * (dP - (P * dP).sum(1, keepdims=True))

def grad_Q(K, P, V, G):
    return dS(P, V, G) @ K / np.sqrt(d_model)

def grad_K(Q, P, V, G):
    return dS(P, V, G).T @ Q / np.sqrt(Q.shape[1])

def grad_V(P, G):
    return P.T @ G
