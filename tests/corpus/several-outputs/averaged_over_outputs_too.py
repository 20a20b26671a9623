# expect: grad_W=factor:1/k; grad_b=factor:1/k
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    R = X @ W + b - Y
    return X.T @ R / R.size

def grad_b(X, Y, W, b):
    R = X @ W + b - Y
    return np.ones(len(R)) @ R / R.size
