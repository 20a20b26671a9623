# expect: grad_w=sign+factor:2; grad_b=sign
# exercise: huber
import numpy as np

def grad_w(X, y, w, b, delta):
    e = y - X @ w - b
    return 2 * X.T @ np.clip(e, -delta, delta) / len(e)

def grad_b(X, y, w, b, delta):
    e = y - X @ w - b
    return np.clip(e, -delta, delta).mean()
