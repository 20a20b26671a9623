# expect: grad_W=right; grad_b=right
# exercise: softmax
import numpy as np

def probs(X, W, b):
    Z = X @ W + b
    Z -= Z.max(axis=1, keepdims=True)
    E = np.exp(Z)
    return E / E.sum(axis=1, keepdims=True)

def grad_W(X, Y, W, b):
    return X.T @ (probs(X, W, b) - Y) / X.shape[0]

def grad_b(X, Y, W, b):
    return np.mean(probs(X, W, b) - Y, axis=0)
