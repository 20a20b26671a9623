# expect: grad_W1=not-recognised|last-only|off-by-one; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, w2, r):
    g = np.zeros((X.shape[1], len(w2)))
    for j in range(len(w2)):
        col = X.T @ (r * w2[j] * (1 - H[:, j]**2)) / len(r)
    g[:, j] = col
    return g
def grad_b1(H, w2, r): return ((r / len(r))[:, None] * w2 * (1 - H**2)).sum(0)
def grad_w2(H, r): return H.T @ r / len(r)
def grad_b2(r): return r.mean()
