# expect: grad_w=changes-input; grad_b=right
# exercise: column-vectors
def grad_w(X, y, w, b):
    y.shape = (-1, 1)
    return X.T @ (X @ w + b - y)

def grad_b(X, y, w, b):
    return (X @ w + b - y.reshape(-1, 1)).sum(0)
