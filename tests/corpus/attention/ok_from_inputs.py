# expect: grad_Q=right; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

def attend(Q, K):
    S = Q @ K.T / np.sqrt(Q.shape[-1])
    S = S - S.max(axis=-1, keepdims=True)
    P = np.exp(S)
    P /= P.sum(axis=-1, keepdims=True)
    return P

def grad_Q(Q, K, V, G):
    P = attend(Q, K)
    O = P @ V
    return (P * (G @ V.T - (G * O).sum(1, keepdims=True))) @ K / np.sqrt(Q.shape[1])

def grad_K(Q, K, V, G):
    P = attend(Q, K)
    O = P @ V
    return (P * (G @ V.T - (G * O).sum(1, keepdims=True))).T @ Q / np.sqrt(Q.shape[1])

def grad_V(Q, K, V, G):
    return attend(Q, K).T @ G
