# expect: grad_W=factor:n; grad_b=factor:n
# exercise: softmax
import numpy as np

def grad_W(X, Y, W, b):
    E = np.exp(X @ W + b)
    P = (E.T / E.sum(1)).T
    return X.T @ (P - Y)

def grad_b(X, Y, W, b):
    E = np.exp(X @ W + b)
    P = (E.T / E.sum(1)).T
    return np.sum(P - Y, 0)
