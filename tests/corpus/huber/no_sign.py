# expect: grad_w=kink-threshold|chain-missing:rho|missing-term:rho; grad_b=kink-threshold|chain-missing:rho
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return X.T @ np.where(np.abs(r) <= delta, r, delta) / len(r)
def grad_b(r, delta): return np.where(np.abs(r) <= delta, r, delta).mean()
