# expect: grad_w=non-finite; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    dp = -y / np.log(1 - y) - (1 - y) / np.log(y)
    return X.T @ (dp * p * (1 - p)) / len(y)

def grad_b(p, y):
    return np.mean(p - y)
