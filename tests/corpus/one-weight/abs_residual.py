# expect: grad_w=chain-at:loss|wrong-variable|not-recognised; grad_b=right
# exercise: one-weight
import numpy as np

def grad_w(x, r): return abs(r) * x
def grad_b(r): return r
