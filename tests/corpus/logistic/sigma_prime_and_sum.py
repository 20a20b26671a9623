# expect: grad_w=chain-twice:p+factor:n; grad_b=chain-twice:p
# exercise: logistic
import numpy as np

def grad_w(X, p, y):
    out = 0
    for i in range(len(y)):
        out += X[i] * (p[i] - y[i]) * p[i] * (1 - p[i])
    return out

def grad_b(p, y):
    return ((p - y) * p * (1 - p)).mean()
