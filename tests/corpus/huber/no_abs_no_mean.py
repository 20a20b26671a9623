# expect: grad_w=kink-threshold+factor:n; grad_b=kink-threshold
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    g = np.zeros_like(w)
    for xi, yi in zip(X, y):
        r = xi @ w + b - yi
        g += xi * (r if r <= delta else delta)
    return g

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    return np.minimum(r, delta).mean()
