# expect: grad_w=not-recognised|wrong-variable|axis; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam): return X.T @ r / len(r) + lam * np.sum(w)
def grad_b(r): return r.mean()
