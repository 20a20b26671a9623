# expect: grad_w=loss-for-derivative; grad_b=right
# exercise: minibatch-sum
def grad_w(X, y, w, b):
    return X.T @ ((X @ w + b - y) ** 2) / 2

def grad_b(X, y, w, b):
    return (X @ w + b - y).sum()
