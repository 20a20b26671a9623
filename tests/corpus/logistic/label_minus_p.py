# expect: grad_w=sign; grad_b=sign
# exercise: logistic
import numpy as np

def grad_w(X, y, p):
    return X.T @ (y - p) / y.size

def grad_b(y, p):
    return np.mean(y - p)
