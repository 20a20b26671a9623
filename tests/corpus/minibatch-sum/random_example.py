# expect: grad_w=not-repeatable; grad_b=right
# exercise: minibatch-sum
import numpy as np
rng = np.random.default_rng()

def grad_w(X, y, w, b):
    i = rng.integers(len(y))       # stochastic gradient
    return len(y) * (X[i] @ w + b - y[i]) * X[i]

def grad_b(X, y, w, b):
    return (X @ w + b - y).sum()
