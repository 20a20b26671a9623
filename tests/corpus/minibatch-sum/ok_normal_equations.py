# expect: grad_w=right; grad_b=right
# exercise: minibatch-sum
import numpy as np

# X'X w + b X'1 - X'y
def grad_w(X, y, w, b):
    ones = np.ones(len(X))
    return X.T @ X @ w + b * X.T @ ones - X.T @ y

def grad_b(X, y, w, b):
    ones = np.ones(len(X))
    return ones @ X @ w + b * len(X) - ones @ y
