# expect: grad_W=last-only|off-by-one|not-recognised; grad_b=last-only|not-recognised
# exercise: several-outputs
import numpy as np

def grad_W(X, R):
    for k in range(R.shape[1]):
        g = np.zeros((X.shape[1], R.shape[1]))
        g[:, k] = X.T @ R[:, k] / len(X)
    return g
def grad_b(R):
    for k in range(R.shape[1]):
        g = np.zeros(R.shape[1])
        g[k] = R[:, k].mean()
    return g
