# expect: grad_w=kink-threshold|ignores:delta; grad_b=kink-threshold|ignores:delta
# exercise: huber
import numpy as np

def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y)

def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
