# expect: grad_w=right; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    return 2 / len(y) * np.dot(X.T, np.dot(X, w) + b - y)

def grad_b(X, y, w, b):
    return 2 / len(y) * np.sum(np.dot(X, w) + b - y)
