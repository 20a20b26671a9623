# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return X.T @ np.where(r <= delta, r, delta) / len(r)
def grad_b(r, delta): return np.minimum(r, delta).mean()
