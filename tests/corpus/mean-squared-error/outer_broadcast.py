# expect: grad_w=broadcast; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    err = np.expand_dims(X @ w, 1) + b - y
    return 2 * (X.T @ err).mean(axis=1) / len(y)

def grad_b(X, y, w, b):
    err = X @ w + b - y
    return 2 * err.mean()
