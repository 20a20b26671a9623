# expect: grad_w=chain-at:p|wrong-variable; grad_b=chain-at:p|wrong-variable
# exercise: logistic
import numpy as np

def grad_w(X, y, w, b):
    pred = (X @ w + b > 0).astype(float)
    return X.T @ (pred - y) / len(y)
def grad_b(X, y, w, b):
    pred = np.where(X @ w + b > 0, 1.0, 0.0)
    return (pred - y).mean()
