# expect: grad_Q=elementwise; grad_K=elementwise; grad_V=transpose|wrong-variable
# exercise: attention
import numpy as np

def grad_Q(Q, K, V, G, P): return (P * (1 - P) * (G @ V.T)) @ K / np.sqrt(Q.shape[1])
def grad_K(Q, K, V, G, P): return (P * (1 - P) * (G @ V.T)).T @ Q / np.sqrt(Q.shape[1])
def grad_V(P, G): return P @ G
