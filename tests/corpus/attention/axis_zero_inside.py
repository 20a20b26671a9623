# expect: grad_Q=axis; grad_K=axis; grad_V=axis
# exercise: attention
import numpy as np

def softmax(S):
    e = np.exp(S - S.max(axis=0))
    return e / e.sum(axis=0)
def back(Q, K, V, G):
    d = Q.shape[1]
    P = softmax(Q @ K.T / np.sqrt(d))
    dP = G @ V.T
    dS = P * (dP - (dP * P).sum(axis=0))
    return dS @ K / np.sqrt(d), dS.T @ Q / np.sqrt(d), P.T @ G
def grad_Q(Q, K, V, G): return back(Q, K, V, G)[0]
def grad_K(Q, K, V, G): return back(Q, K, V, G)[1]
def grad_V(Q, K, V, G): return back(Q, K, V, G)[2]
