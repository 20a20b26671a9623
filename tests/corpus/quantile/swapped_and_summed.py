# expect: grad_w=kink-threshold+factor:n; grad_b=right
# exercise: quantile
import numpy as np

def grad_w(X, e, tau):
    g = np.zeros(X.shape[1])
    for i in range(len(e)):
        if e[i] > 0:
            g += (1 - tau) * X[i]
        else:
            g -= tau * X[i]
    return g

def grad_b(e, tau):
    return (np.sum(e < 0) - tau * len(e)) / len(e)
