# expect: grad_w=kink-threshold; grad_b=right
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    n = len(y)
    g = np.zeros(w.shape)
    for i in range(n):
        r = X[i] @ w + b - y[i]
        if abs(r) > delta:
            g += r * X[i]
        else:
            g += delta * np.sign(r) * X[i]
    return g / n

def grad_b(X, y, w, b, delta):
    r = X @ w + b - y
    return np.clip(r, -delta, delta).mean()
