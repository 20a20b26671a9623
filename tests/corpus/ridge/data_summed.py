# expect: grad_w=term-factor:data; grad_b=factor:n
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    return np.einsum("ni,n->i", X, X @ w + b - y) + lam * w

def grad_b(X, y, w, b, lam):
    return np.einsum("n->", X @ w + b - y)
