# expect: grad_w=right; grad_b=right
# exercise: ridge
def grad_w(X, y, w, b, lam):
    return X.T @ (X @ w + b - y) / len(y) + lam * w

def grad_b(X, y, w, b):
    return (X @ w + b - y).mean()
