# expect: grad_w=right; grad_b=right
# exercise: logistic
import numpy as np

def stable_sigmoid(z):
    out = np.empty_like(z)
    pos = z >= 0
    out[pos] = 1 / (1 + np.exp(-z[pos]))
    ez = np.exp(z[~pos])
    out[~pos] = ez / (1 + ez)
    return out

def grad_w(X, y, z):
    return np.mean(X * (stable_sigmoid(z) - y)[:, None], axis=0)

def grad_b(y, z):
    return np.mean(stable_sigmoid(z) - y)
