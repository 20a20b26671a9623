# expect: grad_W=factor:1/k; grad_b=factor:1/k
# exercise: several-outputs
import numpy as np

def grad_W(X, R): return X.T @ R / R.size
def grad_b(R): return R.sum(0) / R.size
