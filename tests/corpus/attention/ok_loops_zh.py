# expect: grad_Q=right; grad_K=right; grad_V=right
# exercise: attention
import numpy as np

# 先求 dP,再过 softmax,最后除以根号 d
def 分数梯度(P, V, G):
    n = len(P)
    D = np.zeros((n, n))
    for i in range(n):
        a = np.array([G[i] @ V[j] for j in range(n)])
        D[i] = P[i] * (a - P[i] @ a)
    return D / np.sqrt(V.shape[1])

def grad_Q(K, P, V, G):
    return np.array([分数梯度(P, V, G)[i] @ K for i in range(len(K))])

def grad_K(Q, P, V, G):
    return np.array([分数梯度(P, V, G)[:, j] @ Q for j in range(len(Q))])

def grad_V(P, G):
    return sum(np.outer(P[i], G[i]) for i in range(len(G)))
