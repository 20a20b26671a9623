# expect: grad_w=chain-at:penalty|wrong-variable; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam): return X.T @ r / len(r) + lam * w / np.linalg.norm(w)
def grad_b(r): return r.mean()
