# expect: grad_W1=right; grad_b1=swapped-answer:grad_W1|wrong-variable|chain-twice:A; grad_w2=right; grad_b2=swapped-answer:grad_w2|wrong-variable
# exercise: hidden-layer
import numpy as np

def grad_W1(X, H, w2, r): return X.T @ (np.outer(r, w2) * (1 - H**2)) / len(r)
def grad_b1(X, H, w2, r): return grad_W1(X, H, w2, r).sum(axis=0)
def grad_w2(H, r): return H.T @ r / len(r)
def grad_b2(H, r): return grad_w2(H, r).sum()
