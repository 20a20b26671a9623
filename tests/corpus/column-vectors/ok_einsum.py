# expect: grad_w=right; grad_b=right
# exercise: column-vectors
import numpy as np
grad_w = lambda X, r: np.einsum("nd,no->do", X, r)
grad_b = lambda r: np.einsum("no->o", r)
