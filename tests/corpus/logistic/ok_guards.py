# expect: grad_w=right; grad_b=right
# exercise: logistic
import numpy as np

EPS = 1e-8

def kept_inside(p):
    return np.clip(p, 1e-12, 1 - 1e-12)

def grad_p(p, y):
    p = kept_inside(p)
    return (p - y) / (p * (1 - p) + EPS) / len(y)

def grad_w(X, p, y):
    return X.T @ (grad_p(p, y) * p * (1 - p))

def grad_b(p, y):
    tiny = 1e-7
    return np.mean((-y / (p + tiny) + (1 - y) / (1 - p + tiny)) * p * (1 - p))
