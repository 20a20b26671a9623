# expect: grad_W=not-recognised; grad_b=right
# exercise: softmax
import numpy as np

def grad_P(Y, P):
    return -Y / P / len(Y)

def grad_W(X, Y, P):
    return X.T @ np.sqrt(P) + X.T @ Y

def grad_b(Y, P):
    return (P - Y).mean(axis=0)
