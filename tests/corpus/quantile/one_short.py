# expect: grad_w=right; grad_b=off-by-one
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    e = y - X @ w - b
    return (np.heaviside(-e, 0.5) - tau) @ X / len(e)

def grad_b(X, y, w, b, tau):
    n = len(y)
    total = 0.0
    for i in range(0, n - 1):
        e = y[i] - X[i] @ w - b
        total += (1 - tau) if e < 0 else -tau
    return total / n
