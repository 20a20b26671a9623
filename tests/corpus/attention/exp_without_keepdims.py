# expect: grad_Q=axis|broadcast|not-recognised; grad_K=axis|broadcast|not-recognised; grad_V=axis|broadcast|not-recognised
# exercise: attention
import numpy as np

def soft(S):
    e = np.exp(S)
    return e / e.sum(1)
def back(Q, K, V, G):
    s = np.sqrt(Q.shape[1])
    P = soft(Q @ K.T / s)
    dP = G @ V.T
    dS = P * (dP - (dP * P).sum(1, keepdims=True))
    return dS @ K / s, dS.T @ Q / s, P.T @ G
def grad_Q(Q, K, V, G): return back(Q, K, V, G)[0]
def grad_K(Q, K, V, G): return back(Q, K, V, G)[1]
def grad_V(Q, K, V, G): return back(Q, K, V, G)[2]
