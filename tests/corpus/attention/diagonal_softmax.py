# expect: grad_Q=elementwise|missing-term:P; grad_K=elementwise|missing-term:P; grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    return (G @ V.T) * P * (1 - P)

def grad_Q(K, P, V, G):
    return dS(P, V, G) @ K / np.sqrt(K.shape[1])

def grad_K(Q, P, V, G):
    return dS(P, V, G).T @ Q / np.sqrt(Q.shape[1])

def grad_V(P, G):
    return P.T @ G
