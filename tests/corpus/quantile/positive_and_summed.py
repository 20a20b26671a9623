# expect: grad_w=sign+factor:n; grad_b=sign+factor:n
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    total = np.zeros(X.shape[1])
    for xi, yi in zip(X, y):
        total += (tau if yi > xi @ w + b else tau - 1) * xi
    return total

def grad_b(X, y, w, b, tau):
    total = 0.0
    for xi, yi in zip(X, y):
        total += tau if yi > xi @ w + b else tau - 1
    return total
