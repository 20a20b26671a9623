# expect: grad_Q=raises; grad_K=raises; grad_V=right
# exercise: attention
import numpy as np

def grad_Q(K, V, P, G):
    dP = G @ V
    dS = P * (dP - (P * dP).sum(1, keepdims=True))
    return dS @ K / np.sqrt(K.shape[1])

def grad_K(Q, V, P, G):
    dP = G @ V
    dS = P * (dP - (P * dP).sum(1, keepdims=True))
    return dS.T @ Q / np.sqrt(Q.shape[1])

def grad_V(P, G):
    return P.T @ G
