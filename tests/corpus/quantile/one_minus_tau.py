# expect: grad_w=term-sign:rho|kink-threshold; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    g = np.zeros_like(w)
    for i in range(len(y)):
        e = y[i] - X[i] @ w - b
        if e > 0:
            g -= tau * X[i]
        else:
            g -= (1 - tau) * X[i]
    return g / len(y)

def grad_b(X, y, w, b, tau):
    g = 0
    for i in range(len(y)):
        e = y[i] - X[i] @ w - b
        g += -tau if e > 0 else 1 - tau
    return g / len(y)
