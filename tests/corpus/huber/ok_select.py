# expect: grad_w=right; grad_b=right
# exercise: huber
import numpy as np
psi = np.vectorize(lambda r, c: r if abs(r) <= c else c * np.sign(r))
grad_w = lambda X, r, delta: np.tensordot(psi(r, delta), X, axes=(0, 0)) / len(r)
grad_b = lambda r, delta: float(np.mean(psi(r, delta)))
