# expect: grad_W=right; grad_b=right
# exercise: several-outputs
import numpy as np
resid = lambda X, Y, W, b: np.einsum("id,dk->ik", X, W) + b[None, :] - Y
grad_W = lambda X, Y, W, b: np.einsum("id,ik->dk", X, resid(X, Y, W, b)) / X.shape[0]
grad_b = lambda X, Y, W, b: np.einsum("ik->k", resid(X, Y, W, b)) / X.shape[0]
