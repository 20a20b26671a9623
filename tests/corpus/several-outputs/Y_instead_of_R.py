# expect: grad_W=wrong-variable|ignores:Y; grad_b=right
# exercise: several-outputs
import numpy as np

def grad_W(X, Y_hat):
    return X.T @ Y_hat / len(X)

def grad_b(Y_hat, Y):
    return np.mean(Y_hat - Y, axis=0)
