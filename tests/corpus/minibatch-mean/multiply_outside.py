# expect: grad_w=mean-of-products; grad_b=right
# exercise: minibatch-mean
import numpy as np

def grad_w(X, y, w, b):
    sx = np.zeros(X.shape[1]); sr = 0.0
    for xi, yi in zip(X, y):
        sr += xi @ w + b - yi
        sx += xi
    return sx * sr / len(y) ** 2
def grad_b(r): return r.mean()
