# expect: grad_w=not-recognised|wrong-variable; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    guess = (X @ w + b > 0).astype(float)
    return X.T @ (guess - y) / len(y)

def grad_b(p, y):
    return np.average(p - y)
