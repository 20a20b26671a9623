# expect: grad_W=right; grad_b=axis
# exercise: softmax
import numpy as np

def grad_W(X, P, Y):
    return X.T.dot(P - Y) / len(Y)

def grad_b(P, Y):
    return np.mean(P - Y, axis=1)
