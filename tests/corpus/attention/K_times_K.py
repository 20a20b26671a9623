# expect: grad_Q=wrong-variable; grad_K=wrong-variable; grad_V=right
# exercise: attention
import numpy as np

def grad_S(P, V, G):
    dP = G @ V.T
    return P * (dP - (dP * P).sum(1)[:, None])

def grad_Q(Q, P, V, G):
    return grad_S(P, V, G) @ Q / np.sqrt(Q.shape[1])

def grad_K(K, P, V, G):
    return grad_S(P, V, G).T @ K / np.sqrt(K.shape[1])

def grad_V(P, G):
    return P.T.dot(G)
