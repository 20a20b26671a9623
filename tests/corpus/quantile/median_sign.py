# expect: grad_w=ignores:tau|global-or-hardcoded; grad_b=ignores:tau|global-or-hardcoded
# exercise: quantile
import numpy as np

def grad_w(X, e, tau): return -X.T @ np.sign(e) / 2 / len(e)
def grad_b(e, tau): return -np.sign(e).mean() / 2
