# expect: grad_W=elementwise+factor:n|missing-term:P+factor:n; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    dZ = -Y * (1 - P)
    return X.T @ dZ

def grad_b(P, Y):
    return (P - Y).mean(axis=0)
