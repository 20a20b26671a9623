# expect: grad_w=chain-missing:p; grad_b=chain-missing:p
# exercise: logistic
import numpy as np

def grad_w(X, y, z): return X.T @ (z - y) / len(y)
def grad_b(y, z): return np.mean(z - y)
