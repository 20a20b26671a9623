# expect: grad_W=elementwise|missing-term:P; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    return X.T @ (P * Y - Y) / len(X)

def grad_b(P, Y):
    return np.mean(P - Y, axis=0)
