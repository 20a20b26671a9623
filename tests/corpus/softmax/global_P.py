# expect: grad_W=right; grad_b=raises
# exercise: softmax
import numpy as np

def grad_W(X, Y, W, b):
    Z = X @ W + b
    probs = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return X.T @ (probs - Y) / len(X)

def grad_b(Y):
    return (probs - Y).mean(axis=0)
