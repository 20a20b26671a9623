# expect: grad_Q=swapped-answer:grad_K; grad_K=swapped-answer:grad_Q; grad_V=right
# exercise: attention
import numpy as np

def _dS(P, V, G):
    dP = G @ V.T
    return P * (dP - np.sum(dP * P, axis=-1, keepdims=True)) / np.sqrt(V.shape[1])

def grad_K(K, P, V, G):
    return _dS(P, V, G) @ K

def grad_Q(Q, P, V, G):
    return _dS(P, V, G).T @ Q

def grad_V(P, G):
    return P.T @ G
