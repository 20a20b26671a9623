# expect: grad_w=kink-threshold; grad_b=kink-threshold
# exercise: quantile
import numpy as np
pick = lambda e, tau: np.where(e > tau, -tau, 1 - tau)
grad_w = lambda X, e, tau: X.T @ pick(e, tau) / len(e)
grad_b = lambda e, tau: pick(e, tau).mean()
