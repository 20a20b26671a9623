# expect: grad_w=right; grad_b=right
# exercise: one-example
import numpy as np
err = lambda x, y, w, b: np.einsum("i,i->", x, w) + b - y
grad_w = lambda x, y, w, b: np.einsum(",i->i", err(x, y, w, b), x)
grad_b = err
