# expect: grad_W1=chain-at:H; grad_b1=chain-at:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, w2, r):
    g = np.zeros((X.shape[1], len(w2)))
    for i in range(len(r)):
        for j in range(len(w2)):
            g[:, j] += r[i] * w2[j] * H[i, j] * (1 - H[i, j]) * X[i] / len(r)
    return g
def grad_b1(H, w2, r):
    return np.einsum("i,j,ij->j", r, w2, H * (1 - H)) / len(r)
def grad_w2(H, r): return np.einsum("ij,i->j", H, r) / len(r)
def grad_b2(r): return np.mean(r)
