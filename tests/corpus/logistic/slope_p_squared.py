# expect: grad_w=chain-at:p|missing-term:p+sign; grad_b=chain-at:p|missing-term:p+sign
# exercise: logistic
import numpy as np

def grad_w(X, y, p): return X.T @ ((p - y) / (p * (1 - p)) * p**2) / len(y)
def grad_b(y, p): return np.mean((p - y) / (p * (1 - p)) * p**2)
