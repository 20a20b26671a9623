# expect: grad_W1=chain-at:H; grad_b1=chain-at:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

def grad_W1(X, A, r, w2): return X.T @ (np.outer(r, w2) / np.cosh(A)) / len(r)
def grad_b1(A, r, w2): return (np.outer(r, w2) / np.cosh(A)).mean(0)
def grad_w2(H, r): return H.T @ r / len(r)
def grad_b2(r): return r.mean()
