# expect: grad_w=chain-twice:p+factor:n; grad_b=chain-twice:p+factor:n
# exercise: logistic
import numpy as np

def grad_w(X, y, p): return X.T @ ((p - y) * p * (1 - p))
def grad_b(y, p): return np.sum((p - y) * p * (1 - p))
