# expect: grad_W=right; grad_b=axis
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    R = X @ W + b - Y
    return X.T @ R / X.shape[0]

def grad_b(X, Y, W, b):
    R = X @ W + b - Y
    return np.sum(R, axis=1) / X.shape[0]
