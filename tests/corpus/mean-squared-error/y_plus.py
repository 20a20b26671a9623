# expect: grad_w=term-sign:y; grad_b=term-sign:y+factor:n
# exercise: mean-squared-error
import numpy as np

def grad_w(X, y, w, b):
    out = np.zeros(X.shape[1])
    for i in range(X.shape[0]):
        out += 2 * (X[i].dot(w) + b + y[i]) * X[i]
    return out / X.shape[0]
def grad_b(y_hat, y): return 2 * np.sum(y_hat + y)
