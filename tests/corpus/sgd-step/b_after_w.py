# expect: new_w=right; new_b=wrong-variable|chain-at:y_hat|not-recognised
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr, batch_size): return w - lr / batch_size * X.T @ (X @ w + b - y)
def new_b(X, y, w, b, lr, batch_size):
    w = w - lr / batch_size * X.T @ (X @ w + b - y)
    return b - lr / batch_size * (X @ w + b - y).sum()
