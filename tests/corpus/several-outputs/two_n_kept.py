# expect: grad_W=factor:1/2; grad_b=factor:1/2
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    n = len(X)
    return X.T @ (X @ W + b - Y) / (2 * n)

def grad_b(X, Y, W, b):
    n = len(X)
    return (X @ W + b - Y).sum(axis=0) / (2 * n)
