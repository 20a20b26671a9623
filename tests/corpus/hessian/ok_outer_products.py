# expect: hessian_w=right
# exercise: hessian
import numpy as np
hessian_w = lambda X: np.mean([np.outer(x, x) for x in X], axis=0)
