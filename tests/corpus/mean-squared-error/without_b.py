# expect: grad_w=ignores:b; grad_b=right
# exercise: mean-squared-error
def grad_w(X, y, w):
    n = X.shape[0]
    return 2 / n * X.T @ (X @ w - y)

def grad_b(X, y, w, b):
    n = X.shape[0]
    return 2 / n * (X @ w - y + b).sum()
