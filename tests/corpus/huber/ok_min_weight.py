# expect: grad_w=right; grad_b=right
# exercise: huber
import numpy as np

# IRLS view: psi(r) = r * min(1, delta/|r|)
def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    weight = np.minimum(1.0, delta / np.abs(r))
    return (X * (weight * r).reshape(-1, 1)).mean(0)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    weight = np.minimum(1.0, delta / np.abs(r))
    return (weight * r).mean()
