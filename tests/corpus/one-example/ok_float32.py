# expect: grad_w=right; grad_b=right
# exercise: one-example
import numpy as np

def grad_w(x, y, w, b):
    x = np.asarray(x, dtype=np.float32)
    r = np.float32(np.dot(x, w.astype(np.float32)) + b - y)
    return (r * x).astype(np.float32)

def grad_b(x, y, w, b):
    return np.float32(x @ w + b - y)
