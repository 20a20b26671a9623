# expect: grad_w=chain-twice:p+sign; grad_b=chain-twice:p+sign
# exercise: logistic
import numpy as np

def grad_w(X, y, p): return X.T @ ((y - p) * p * (1 - p)) / len(y)
def grad_b(y, p): return np.mean((y - p) * p * (1 - p))
