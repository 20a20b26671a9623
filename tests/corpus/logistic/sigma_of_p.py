# expect: grad_w=chain-at:p|wrong-variable; grad_b=right
# exercise: logistic
import numpy as np

def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))

def grad_w(X, y, w, b):
    p = sigmoid(sigmoid(X @ w + b))
    return X.T @ (p - y) / len(y)

def grad_b(X, y, w, b):
    p = sigmoid(X @ w + b)
    return (p - y).mean()
