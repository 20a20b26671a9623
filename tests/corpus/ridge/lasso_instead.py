# expect: grad_w=not-recognised|chain-at:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, y, w, b, lam):
    return X.T @ (X @ w + b - y) / len(y) + lam * np.sign(w)

def grad_b(X, y, w, b, lam):
    return np.average(X @ w + b - y)
