# expect: new_w=right; new_b=right
# exercise: sgd-step
import numpy as np

# w <- w + eta * X'(y - yhat)
def new_w(X, y, y_hat, w, lr, batch_size):
    eta = lr / batch_size
    return w + eta * np.einsum("i,ij", y - y_hat, X)

def new_b(y, y_hat, b, lr, batch_size):
    eta = lr / batch_size
    return b + eta * np.einsum("i->", y - y_hat)
