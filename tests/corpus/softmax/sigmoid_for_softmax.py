# expect: grad_W=chain-at:P|wrong-variable; grad_b=chain-at:P|wrong-variable
# exercise: softmax
import numpy as np

def probs(Z): return 1 / (1 + np.exp(-Z))
def grad_W(X, Y, Z): return X.T @ (probs(Z) - Y) / len(X)
def grad_b(Y, Z): return (probs(Z) - Y).sum(0) / len(Y)
