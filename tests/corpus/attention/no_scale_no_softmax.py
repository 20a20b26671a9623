# expect: grad_Q=chain-missing:P+factor:sqrt(d); grad_K=chain-missing:P+factor:sqrt(d); grad_V=right
# exercise: attention
import numpy as np

def grad_Q(K, V, G): return (G @ V.T) @ K
def grad_K(Q, V, G): return (G @ V.T).T @ Q
def grad_V(P, G): return P.T @ G
