# expect: grad_W=last-only; grad_b=right
# exercise: softmax
import numpy as np

def grad_W(X, Y, P):
    for x, t, p in zip(X, Y, P):
        g = np.outer(x, p - t)
    return g / len(X)
def grad_b(Y, P): return (P - Y).sum(0) / len(Y)
