# expect: grad_W1=right; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, r, w2):
    n, d = X.shape
    G = np.zeros((d, len(w2)))
    for j in range(len(w2)):
        for a in range(d):
            G[a, j] = np.mean(r * w2[j] * (1 - H[:, j] ** 2) * X[:, a])
    return G

def grad_b1(H, r, w2):
    return np.array([np.mean(r * w2[j] * (1 - H[:, j] ** 2)) for j in range(len(w2))])

def grad_w2(H, r):
    return np.array([np.mean(r * h) for h in H.T])

def grad_b2(r):
    return float(np.mean(r))
