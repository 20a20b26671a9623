# expect: grad_W=non-finite; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    dP = P * np.log(P / Y)
    return X.T @ dP / len(Y)

def grad_b(P, Y):
    return (P - Y).mean(0)
