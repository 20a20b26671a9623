# expect: grad_W=wrong-variable|chain-missing:P; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, Z, Y):
    return X.T @ (Z - Y) / Z.shape[0]

def grad_b(P, Y):
    return np.add.reduce(P - Y, axis=0) / P.shape[0]
