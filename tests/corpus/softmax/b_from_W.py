# expect: grad_W=right; grad_b=swapped-answer:grad_W|wrong-variable|chain-twice:Z
# exercise: softmax
import numpy as np

def grad_W(X, Y, P): return X.T @ (P - Y) / len(X)
def grad_b(X, Y, P): return grad_W(X, Y, P).sum(axis=0)
