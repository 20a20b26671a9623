# expect: grad_w=term-factor:penalty; grad_b=extra-term:penalty|extra-term:b
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam): return np.einsum("ij,i->j", X, r) / len(r) + 0.5 * lam * w
def grad_b(r, b, lam): return r.mean() + lam * b
