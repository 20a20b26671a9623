# expect: grad_w=term-factor:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    n, d = X.shape
    g = np.empty(d)
    for j in range(d):
        s = 0
        for i in range(n):
            s += (X[i] @ w + b - y[i]) * X[i, j]
        g[j] = s / n + lam / 2 * w[j]
    return g

def grad_b(X, y, w, b, lam):
    return np.sum(X @ w + b - y) / X.shape[0]
