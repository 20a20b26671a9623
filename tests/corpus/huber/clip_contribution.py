# expect: grad_w=kink-threshold; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, r, delta): return np.clip(X * r[:, None], -delta, delta).mean(axis=0)
def grad_b(r, delta): return np.clip(r, -delta, delta).mean()
