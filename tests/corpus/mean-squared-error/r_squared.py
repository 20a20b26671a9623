# expect: grad_w=loss-for-derivative; grad_b=loss-for-derivative
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y
    return X.T @ (r**2) / len(r)

def grad_b(loss):
    return loss
