# expect: grad_w=right; grad_b=raises
# exercise: minibatch-mean
import numpy as np


def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y)


print(grad_w(features, labels, w, b))


def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
