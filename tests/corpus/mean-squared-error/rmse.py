# expect: grad_w=not-recognised|chain-at:loss; grad_b=not-recognised|chain-at:loss
# exercise: mean-squared-error
import numpy as np

def grad_w(X, r): return X.T @ r / len(r) / np.sqrt(np.mean(r**2))
def grad_b(r): return r.mean() / np.sqrt(np.mean(r**2))
