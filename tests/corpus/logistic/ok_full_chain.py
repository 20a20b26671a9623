# expect: grad_w=right; grad_b=right
# exercise: logistic
import numpy as np

def grad_p(p, y):
    return (p - y) / (p * (1 - p)) / len(y)

def grad_z(p, y):
    return grad_p(p, y) * p * (1 - p)

def grad_w(X, p, y):
    return X.T @ grad_z(p, y)

def grad_b(p, y):
    return grad_z(p, y).sum()
