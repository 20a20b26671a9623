# expect: grad_W=sign; grad_b=right
# exercise: softmax
import numpy as np

def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)

def grad_W(X, Y, W, b):
    return X.T @ (Y - softmax(X @ W + b)) / len(X)

def grad_b(X, Y, W, b):
    return (softmax(X @ W + b) - Y).mean(axis=0)
