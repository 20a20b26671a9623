# expect: grad_W=right; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, R):
    return np.mean([np.outer(x, r) for x, r in zip(X, R)], axis=0)

def grad_b(R):
    return np.dot(np.ones(len(R)) / len(R), R)
