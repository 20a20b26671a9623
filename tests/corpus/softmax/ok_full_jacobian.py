# expect: grad_W=right; grad_b=right
# exercise: softmax
import numpy as np

def grad_P(P, Y):
    return -Y / P / len(Y)

def grad_Z(P, Y):
    out = np.zeros_like(P)
    for i in range(len(P)):
        J = np.diag(P[i]) - np.outer(P[i], P[i])
        out[i] = J @ grad_P(P, Y)[i]
    return out

def grad_W(X, P, Y):
    return X.T @ grad_Z(P, Y)

def grad_b(P, Y):
    return grad_Z(P, Y).sum(0)
