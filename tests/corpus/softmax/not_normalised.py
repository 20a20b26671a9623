# expect: grad_W=not-recognised|wrong-variable; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, Z, Y):
    return X.T @ (np.exp(Z) - Y) / len(Y)

def grad_b(P, Y):
    return (P - Y).mean(0)
