# expect: grad_W=axis|chain-at:P; grad_b=axis|chain-at:P
# exercise: softmax
import numpy as np

def soft(Z):
    E = np.exp(Z)
    return E / E.sum()
def grad_W(X, Y, Z): return X.T @ (soft(Z) - Y) / len(X)
def grad_b(Y, Z): return (soft(Z) - Y).mean(axis=0)
