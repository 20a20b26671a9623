# expect: grad_w=right; grad_b=right
# exercise: minibatch-sum
import numpy as np
grad_w = lambda X, r: np.add.reduce(X * r[:, None])
grad_b = lambda r: np.add.reduce(r)
