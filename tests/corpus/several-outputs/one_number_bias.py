# expect: grad_W=right; grad_b=axis|shape
# exercise: several-outputs
import numpy as np

def grad_W(X, R):
    return np.einsum("nd,nk->dk", X, R) / len(X)

def grad_b(R):
    return np.sum(R) / len(R)
