# expect: grad_W=last-only; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    n = X.shape[0]
    for i in range(n):
        G = np.outer(X[i], X[i] @ W + b - Y[i]) / n
    return G

def grad_b(X, Y, W, b):
    return (X @ W + b - Y).mean(0)
