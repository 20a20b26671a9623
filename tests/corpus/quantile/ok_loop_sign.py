# expect: grad_w=right; grad_b=right
# exercise: quantile
import numpy as np

# rho'(e) = (sign(e) + 2 tau - 1)/2
def grad_w(X, y, w, b, tau):
    n, d = X.shape
    g = [0.0] * d
    for i in range(n):
        e = y[i] - sum(X[i, j] * w[j] for j in range(d)) - b
        s = (np.sign(e) + 2 * tau - 1) / 2
        for j in range(d):
            g[j] -= s * X[i, j] / n
    return np.array(g)

def grad_b(X, y, w, b, tau):
    e = y - X @ w - b
    return -np.mean((np.sign(e) + 2 * tau - 1) / 2)
