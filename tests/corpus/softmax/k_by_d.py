# expect: grad_W=transpose; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    D = (P - Y) / len(Y)
    G = np.zeros((Y.shape[1], X.shape[1]))
    for c in range(Y.shape[1]):
        G[c] = D[:, c] @ X
    return G

def grad_b(P, Y):
    return ((P - Y) / len(Y)).sum(0)
