# expect: grad_W=right; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, Y, W, b):
    G = np.zeros(W.shape)
    for x, t in zip(X, Y):
        z = x @ W + b
        p = np.exp(z - np.logaddexp.reduce(z))
        c = int(np.argmax(t))
        p[c] -= 1
        G += np.outer(x, p)
    return G / len(X)

def grad_b(P, Y):
    D = P.copy()
    D[np.arange(len(D)), Y.argmax(1)] -= 1
    return D.mean(0)
