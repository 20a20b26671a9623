# expect: grad_w=factor:n; grad_b=term-sign:z
# exercise: logistic
import numpy as np

def grad_w(X, y, z):
    t = 2 * y - 1
    return -X.T @ (t / (1 + np.exp(t * z)))
def grad_b(y, z):
    t = 2 * y - 1
    return -(t / (1 + np.exp(-t * z))).mean()
