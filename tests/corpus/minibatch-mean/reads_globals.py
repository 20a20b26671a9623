# expect: grad_w=global-or-hardcoded; grad_b=right
# exercise: minibatch-mean
import numpy as np

X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])
y = np.array([1.0, 0.0, 2.0])
w = np.array([0.3, -0.2])
b = 0.1


def grad_w():
    return X.T @ (X @ w + b - y) / len(X)


def grad_b(X, y, w, b):
    return np.mean(X @ w + b - y)
