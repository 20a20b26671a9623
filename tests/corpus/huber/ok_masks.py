# expect: grad_w=right; grad_b=right
# exercise: huber
import numpy as np

def grad_rho(rho):
    return np.ones_like(rho) / rho.size

def grad_r(r, delta):
    inside = np.abs(r) <= delta
    return (inside * r + (1 - inside) * delta * np.sign(r)) / r.size

def grad_w(X, r, delta):
    return grad_r(r, delta) @ X

def grad_b(r, delta):
    return np.sum(grad_r(r, delta))
