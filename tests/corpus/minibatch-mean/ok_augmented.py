# expect: grad_w=right; grad_b=right
# exercise: minibatch-mean
import numpy as np

def _both(X, y, w, b):
    Xa = np.hstack([X, np.ones((X.shape[0], 1))])
    wa = np.append(w, b)
    return Xa.T @ (Xa @ wa - y) / X.shape[0]

def grad_w(X, y, w, b):
    return _both(X, y, w, b)[:-1]

def grad_b(X, y, w, b):
    return _both(X, y, w, b)[-1]
