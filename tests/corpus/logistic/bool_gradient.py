# expect: grad_w=right; grad_b=dtype
# exercise: logistic
import numpy as np

def grad_w(X, p, y):
    return X.T @ (p - y) / len(y)

def grad_b(p, y):
    return np.mean(p - y) > 0
