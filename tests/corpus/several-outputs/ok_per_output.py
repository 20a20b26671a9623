# expect: grad_W=right; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, Y, W, b):
    cols = []
    for j in range(Y.shape[1]):
        r = X @ W[:, j] + b[j] - Y[:, j]
        cols.append(X.T @ r / len(r))
    return np.stack(cols, axis=1)

def grad_b(X, Y, W, b):
    return np.array([np.mean(X @ W[:, j] + b[j] - Y[:, j]) for j in range(len(b))])
