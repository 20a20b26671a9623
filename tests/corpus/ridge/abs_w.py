# expect: grad_w=wrong-variable|chain-at:penalty; grad_b=right
# exercise: ridge
import numpy as np

def grad_w(X, r, w, lam):
    g = np.zeros_like(w)
    for j in range(len(w)):
        for i in range(len(r)):
            g[j] += X[i, j] * r[i] / len(r)
        g[j] += lam * abs(w[j])
    return g
def grad_b(r): return r.mean()
