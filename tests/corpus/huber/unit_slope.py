# expect: grad_w=term-factor:rho|chain-missing:rho; grad_b=term-factor:rho|chain-missing:rho
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    r = X @ w + b - y
    lin = np.abs(r) > delta
    g = r.copy()
    g[lin] = np.sign(r[lin])
    return (g @ X) / len(g)

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    lin = np.abs(r) > delta
    g = r.copy()
    g[lin] = np.sign(r[lin])
    return g.sum() / len(g)
