# expect: grad_w=right; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    z = (X @ w + b).astype("float32")
    p = np.float32(1) / (1 + np.exp(-z))
    return (X.astype("float32").T @ (p - y.astype("float32"))) / np.float32(len(y))

def grad_b(X, y, w, b):
    z = (X @ w + b).astype("float32")
    p = np.float32(1) / (1 + np.exp(-z))
    return np.mean(p - y.astype("float32"))
