# expect: grad_W=sign+factor:n; grad_b=sign+factor:n
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    E = Y - (X @ W + b)
    return np.matmul(X.T, E)

def grad_b(X, Y, W, b):
    E = Y - (X @ W + b)
    return E.sum(axis=0)
