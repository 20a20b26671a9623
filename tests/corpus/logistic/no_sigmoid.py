# expect: grad_w=wrong-variable|chain-missing:p; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    z = X @ w + b
    return X.T @ (z - y) / len(y)

def grad_b(X, y, w, b):
    z = X @ w + b
    return np.mean(1 / (1 + np.exp(-z)) - y)
