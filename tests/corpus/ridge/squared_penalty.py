# expect: grad_w=loss-for-derivative|chain-at:penalty|wrong-variable; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam): return X.T @ r / len(r) + lam * w**2
def grad_b(r): return r.mean()
