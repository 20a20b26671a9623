# expect: grad_W=chain-at:P|wrong-variable; grad_b=chain-at:P|wrong-variable
# exercise: softmax
import numpy as np

def onehot(P):
    return np.eye(P.shape[1])[P.argmax(axis=1)]
def grad_W(X, Y, P): return X.T @ (onehot(P) - Y) / len(X)
def grad_b(Y, P): return (onehot(P) - Y).mean(axis=0)
