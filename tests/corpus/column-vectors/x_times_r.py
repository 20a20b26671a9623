# expect: grad_w=elementwise|not-summed; grad_b=right
# exercise: column-vectors
def grad_w(X, y, w, b):
    r = X @ w + b - y[:, None]
    return X * r

def grad_b(X, y, w, b):
    r = X @ w + b - y[:, None]
    return sum(r)
