# expect: grad_w=ignores:b+factor:1/2; grad_b=ignores:b+factor:1/2
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w): return X.T @ (X @ w - y) / len(y)
def grad_b(X, y, w): return np.mean(X @ w - y)
