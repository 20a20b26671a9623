# expect: grad_W=right; grad_b=right
# exercise: softmax
import numpy as np

def back(P, dP):
    return P * (dP - np.sum(P * dP, axis=1, keepdims=True))

def grad_W(X, P, Y):
    dP = -(Y / P) / Y.shape[0]
    return np.tensordot(X, back(P, dP), axes=([0], [0]))

def grad_b(P, Y):
    dP = -(Y / P) / Y.shape[0]
    return back(P, dP).sum(axis=0)
