# expect: grad_W=transpose+factor:1/2; grad_b=factor:1/2
# exercise: several-outputs
import numpy as np

def grad_W(X, R):
    return np.einsum("nk,nd->kd", R, X) / (2 * len(R))

def grad_b(R):
    return R.sum(0) / (2 * len(R))
