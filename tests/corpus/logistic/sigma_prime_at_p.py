# expect: grad_w=chain-at:p; grad_b=chain-at:p
# exercise: logistic
import numpy as np

def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))

def dsigmoid(a):
    return sigmoid(a) * (1 - sigmoid(a))

def grad_w(X, y, p):
    dp = (p - y) / (p * (1 - p))
    return X.T @ (dp * dsigmoid(p)) / len(y)    # should take z

def grad_b(y, p):
    dp = (p - y) / (p * (1 - p))
    return np.mean(dp * dsigmoid(p))
