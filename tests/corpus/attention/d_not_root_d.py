# expect: grad_Q=factor:1/sqrt(d); grad_K=factor:1/sqrt(d); grad_V=right
# exercise: attention
import numpy as np

def dS(P, V, G):
    dP = np.matmul(G, V.T)
    return P * (dP - np.sum(P * dP, axis=1, keepdims=True))

def grad_Q(K, V, P, G):
    return np.matmul(dS(P, V, G), K) / K.shape[1]

def grad_K(Q, V, P, G):
    return np.matmul(dS(P, V, G).T, Q) / Q.shape[1]

def grad_V(P, G):
    return np.matmul(P.T, G)
