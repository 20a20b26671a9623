# expect: grad_W1=chain-at:H; grad_b1=chain-at:H; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

class Net:
    @staticmethod
    def delta(A, r, w2):
        return np.outer(r, w2) * (A > 0) / len(r)
def grad_W1(X, A, r, w2): return X.T @ Net.delta(A, r, w2)
def grad_b1(A, r, w2): return Net.delta(A, r, w2).sum(axis=0)
def grad_w2(H, r): return H.T @ r / r.size
def grad_b2(r): return r.mean()
