# expect: grad_w=chain-at:p; grad_b=chain-at:p
# exercise: logistic
import numpy as np

# d loss/d p, then the slope of p
def dp(y, p): return (-y / p + (1 - y) / (1 - p)) / len(y)
def grad_w(X, y, p): return X.T @ (dp(y, p) * (1 - p**2))
def grad_b(y, p): return np.sum(dp(y, p) * (1 - p**2))
