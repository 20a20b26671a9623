# expect: grad_w=chain-at:loss|wrong-variable|not-recognised; grad_b=chain-at:loss|wrong-variable|not-recognised
# exercise: one-weight
import numpy as np

def grad_w(x, r): return np.sign(r) * x
def grad_b(r): return np.sign(r)
