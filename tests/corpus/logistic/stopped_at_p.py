# expect: grad_w=chain-missing:p; grad_b=chain-missing:p
# exercise: logistic
import numpy as np

def grad_w(X, y, p):
    dp = -y / p + (1 - y) / (1 - p)
    return X.T @ dp / len(y)

def grad_b(y, p):
    dp = -y / p + (1 - y) / (1 - p)
    return dp.mean()
