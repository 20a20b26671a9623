# expect: grad_w=right; grad_b=right
# exercise: column-vectors
def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y.reshape(-1, 1))

def grad_b(X, y, w, b):
    return (X @ w + b - y.reshape(-1, 1)).sum(axis=0)
