# expect: new_w=right; new_b=right
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    return w - lr / batch_size * (X.T @ (X @ w + b - y))

def new_b(X, y, w, b, lr, batch_size):
    return b - lr / batch_size * (X @ w + b - y).sum()
