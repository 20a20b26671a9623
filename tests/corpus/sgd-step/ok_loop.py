# expect: new_w=right; new_b=right
# exercise: sgd-step
import numpy as np

def new_w(X, y, w, b, lr, batch_size):
    g = np.zeros(len(w))
    for i in range(len(y)):
        g += X[i] * (np.dot(X[i], w) + b - y[i])
    return np.array([w[j] - lr * g[j] / batch_size for j in range(len(w))])

def new_b(X, y, w, b, lr, batch_size):
    g = 0.0
    for i in range(len(y)):
        g += np.dot(X[i], w) + b - y[i]
    return float(b - lr * g / batch_size)
