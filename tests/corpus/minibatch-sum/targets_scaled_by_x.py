# expect: grad_w=wrong-variable; grad_b=right
# exercise: minibatch-sum
import numpy as np

def grad_w(X, y):
    return X.T @ y

def grad_b(r):
    return np.add.reduce(r)
