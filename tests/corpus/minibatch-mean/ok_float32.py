# expect: grad_w=right; grad_b=right
# exercise: minibatch-mean
import numpy as np
f4 = np.float32

def grad_w(X, y, w, b):
    X, y, w = X.astype(f4), y.astype(f4), w.astype(f4)
    return X.T @ (X @ w + f4(b) - y) / f4(len(y))

def grad_b(X, y, w, b):
    X, y, w = X.astype(f4), y.astype(f4), w.astype(f4)
    return (X @ w + f4(b) - y).mean(dtype=f4)
