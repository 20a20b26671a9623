# expect: grad_Q=axis|broadcast|not-recognised; grad_K=axis|broadcast|not-recognised; grad_V=right
# exercise: attention
import numpy as np

def grad_Q(Q, K, V, G, P):
    dP = G @ V.T
    dS = P * (dP - (dP * P).sum(axis=1))
    return dS @ K / np.sqrt(Q.shape[1])
def grad_K(Q, K, V, G, P):
    dP = G @ V.T
    dS = P * (dP - np.sum(dP * P, axis=1))
    return dS.T @ Q / np.sqrt(Q.shape[1])
def grad_V(P, G): return P.T @ G
