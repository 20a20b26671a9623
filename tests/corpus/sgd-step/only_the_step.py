# expect: new_w=missing-term:w|update-returned; new_b=missing-term:b|update-returned
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    return -lr * X.T @ (X @ w + b - y) / batch_size

def new_b(X, y, w, b, lr, batch_size):
    return -lr * sum(X @ w + b - y) / batch_size
