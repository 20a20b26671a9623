# expect: grad_w=missing-term:rho|kink-threshold; grad_b=missing-term:rho|kink-threshold
# exercise: quantile
import numpy as np

def grad_w(X, y, w, b, tau):
    over = (y - X @ w - b) > 0
    return -tau * X[over].sum(axis=0) / len(y)

def grad_b(X, y, w, b, tau):
    over = (y - X @ w - b) > 0
    return -tau * over.mean()
