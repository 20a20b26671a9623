# expect: grad_w=kink-threshold|missing-term:rho; grad_b=kink-threshold|missing-term:rho
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return X.T @ (r * (np.abs(r) <= delta)) / len(r)
def grad_b(r, delta): return np.where(np.abs(r) <= delta, r, 0).mean()
