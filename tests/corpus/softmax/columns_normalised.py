# expect: grad_W=axis; grad_b=axis
# exercise: softmax
import numpy as np

def softmax(Z):
    E = np.exp(Z)
    return E / E.sum(axis=0)

def grad_W(X, Y, W, b):
    return X.T @ (softmax(X @ W + b) - Y) / len(X)

def grad_b(X, Y, W, b):
    return (softmax(X @ W + b) - Y).mean(axis=0)
