# expect: grad_w=term-factor:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam): return (X.T @ r + lam * w) / len(r)
def grad_b(r): return r.mean()
