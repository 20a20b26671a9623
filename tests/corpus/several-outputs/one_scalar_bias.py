# expect: grad_W=right; grad_b=axis
# exercise: several-outputs
import numpy as np

def grad_W(X, R): return np.einsum("ni,nk->ik", X, R) / len(R)
def grad_b(R): return R.mean(axis=1).sum()
