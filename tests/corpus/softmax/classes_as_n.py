# expect: grad_W=factor:n/k; grad_b=factor:n/k
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    n = Y.shape[-1]
    return np.einsum("ik,id->dk", P - Y, X) / n

def grad_b(P, Y):
    n = Y.shape[-1]
    return np.einsum("ik->k", P - Y) / n
