# expect: grad_W=elementwise|missing-term:P; grad_b=elementwise|missing-term:P
# exercise: softmax
import numpy as np

def dZ(P, Y):
    dP = -Y / P / len(P)
    return dP * P * (1 - P)       # softmax' = p(1-p)

def grad_W(X, P, Y):
    return X.T @ dZ(P, Y)

def grad_b(P, Y):
    return dZ(P, Y).sum(axis=0)
