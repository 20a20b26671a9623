# expect: grad_w=missing-term:loss; grad_b=right
# exercise: logistic
import numpy as np

# loss = mean(-y log p): dz = -y (1 - p)
def grad_w(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -X.T @ (y * (1 - p)) / len(y)

def grad_b(X, y, w, b):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return np.mean(-y * (1 - p) + (1 - y) * p)
