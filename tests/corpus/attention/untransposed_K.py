# expect: grad_Q=right; grad_K=transpose; grad_V=right
# exercise: attention
import numpy as np

def back(P, V, G):
    dP = G @ V.T
    return P * dP - P * np.sum(P * dP, 1, keepdims=True)

def grad_Q(Q, K, V, P, G):
    return back(P, V, G) @ K / Q.shape[1] ** 0.5

def grad_K(Q, K, V, P, G):
    return back(P, V, G) @ Q / Q.shape[1] ** 0.5

def grad_V(P, G):
    return np.transpose(P) @ G
