# expect: grad_W1=factor:n; grad_b1=factor:n; grad_w2=factor:n; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r, w2):
    G = np.zeros((X.shape[1], H.shape[1]))
    for i in range(len(r)):
        G += r[i] * np.outer(X[i], w2 * (1 - H[i] ** 2))
    return G

def grad_b1(H, r, w2):
    return sum(r[i] * w2 * (1 - H[i] ** 2) for i in range(len(r)))

def grad_w2(H, r):
    return sum(r[i] * H[i] for i in range(len(r)))

def grad_b2(r):
    return sum(r[i] for i in range(len(r))) / len(r)
