# expect: grad_w=chain-missing:y_hat|swapped-answer:grad_b; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    r = X @ w + b - y
    g = 2 * np.mean(r)
    return g * np.ones_like(w)

def grad_b(X, y, w, b):
    return 2 * np.mean(X @ w + b - y)
