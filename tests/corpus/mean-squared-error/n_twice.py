# expect: grad_w=factor:1/n; grad_b=right
# exercise: mean-squared-error
def grad_w(X, y, w, b):
    n = len(X)
    return 2 / n**2 * X.T @ (X @ w + b - y)

def grad_b(X, y, w, b):
    n = len(X)
    return 2 / n * (X @ w + b - y).sum()
