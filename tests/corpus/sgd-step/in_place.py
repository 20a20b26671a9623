# expect: new_w=changes-input; new_b=right
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    w -= lr * X.T @ (X @ w + b - y) / batch_size
    return w

def new_b(X, y, w, b, lr, batch_size):
    b -= lr * (X @ w + b - y).sum() / batch_size
    return b
