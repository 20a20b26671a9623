# expect: grad_W1=chain-twice:H+factor:n; grad_b1=chain-twice:H+factor:n; grad_w2=factor:n; grad_b2=factor:n
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, w2, r): return X.T @ (np.outer(r, w2) * (1 - H**2) ** 2)
def grad_b1(H, w2, r): return (np.outer(r, w2) * (1 - H**2) ** 2).sum(0)
def grad_w2(H, r): return H.T @ r
def grad_b2(r): return r.sum()
