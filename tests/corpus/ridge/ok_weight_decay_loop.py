# expect: grad_w=right; grad_b=right
# exercise: ridge
def grad_w(X, y, w, b, lam):
    g = lam * w.copy()
    for k in range(len(y)):
        g += X[k] * (X[k] @ w + b - y[k]) / len(y)
    return g

def grad_b(X, y, w, b, lam):
    g = 0.0
    for k in range(len(y)):
        g += (X[k] @ w + b - y[k]) / len(y)
    return g
