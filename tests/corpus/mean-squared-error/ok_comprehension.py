# expect: grad_w=right; grad_b=right
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    N = len(y)
    return np.array([sum(2 * (X[i] @ w + b - y[i]) * X[i, j] for i in range(N)) / N for j in range(len(w))])

def grad_b(X, y, w, b):
    N = len(y)
    return sum(2 * (X[i] @ w + b - y[i]) for i in range(N)) / N
