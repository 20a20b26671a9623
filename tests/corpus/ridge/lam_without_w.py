# expect: grad_w=chain-missing:penalty|wrong-variable; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    g = X.T.dot(X.dot(w) + b - y) / len(y)
    return g + lam

def grad_b(X, y, w, b, lam):
    return (X.dot(w) + b - y).mean()
