# expect: grad_Q=right; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def grad_P(V, G):
    return G @ V.T

def grad_S(P, V, G):
    dP = grad_P(V, G)
    return np.array([(np.diag(p) - np.outer(p, p)) @ g for p, g in zip(P, dP)])

def grad_Q(K, P, V, G):
    return grad_S(P, V, G) @ K / K.shape[1] ** 0.5

def grad_K(Q, P, V, G):
    return grad_S(P, V, G).T @ Q / Q.shape[1] ** 0.5

def grad_V(P, G):
    return P.T @ G
