# expect: grad_w=sign+factor:n; grad_b=sign+factor:2
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    p = 1 / (1 + np.exp(-X @ w - b))
    return np.sum((y - p)[:, None] * X, axis=0)

def grad_b(X, y, w, b):
    p = 1 / (1 + np.exp(-X @ w - b))
    return 2 * np.mean(y - p)
