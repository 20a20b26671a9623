# expect: new_w=no-return; new_b=no-return
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    w = w - lr / batch_size * X.T @ (X @ w + b - y)

def new_b(X, y, w, b, lr, batch_size):
    b = b - lr / batch_size * (X @ w + b - y).sum()
