# expect: grad_W1=chain-missing:H+sign; grad_b1=chain-missing:H+sign; grad_w2=sign; grad_b2=sign
# exercise: hidden-layer
import numpy as np

def d(y, y_hat): return (y - y_hat) / len(y)
def grad_W1(X, y, y_hat, w2): return X.T @ np.outer(d(y, y_hat), w2)
def grad_b1(y, y_hat, w2): return np.outer(d(y, y_hat), w2).sum(0)
def grad_w2(H, y, y_hat): return H.T @ d(y, y_hat)
def grad_b2(y, y_hat): return d(y, y_hat).sum()
