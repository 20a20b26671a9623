# expect: grad_w=right; grad_b=right
# exercise: huber
import numpy as np

def dhuber(r: float, delta: float) -> float:
    if r > delta:
        return delta
    elif r < -delta:
        return -delta
    else:
        return r

def grad_w(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: float, delta: float) -> np.ndarray:
    g = np.zeros(len(w))
    for xi, yi in zip(X, y):
        g += dhuber(xi @ w + b - yi, delta) * xi
    return g / len(y)

def grad_b(X, y, w, b, delta) -> float:
    return sum(dhuber(xi @ w + b - yi, delta) for xi, yi in zip(X, y)) / len(y)
