# expect: grad_w=wrong-variable; grad_b=wrong-variable
# exercise: logistic
import numpy as np
def squash(z): return np.tanh(z)
def grad_w(X, y, z): return X.T @ (squash(z) - y) / len(y)
def grad_b(y, z): return np.mean(squash(z) - y)
