# expect: grad_w=chain-at:p|wrong-variable; grad_b=right
# exercise: logistic
import numpy as np

def grad_w(X, y, p):
    g = 0
    for xi, yi, pi in zip(X, y, p):
        g = g + (round(pi) - yi) * xi
    return g / len(X)
def grad_b(y, p): return sum(p - y) / len(y)
