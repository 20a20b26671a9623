# expect: grad_w=chain-at:loss|wrong-variable; grad_b=chain-at:loss|wrong-variable
# exercise: minibatch-mean
import numpy as np

def grad_w(X, r): return X.T @ np.sign(r) / len(r)
def grad_b(r): return np.sign(r).mean()
