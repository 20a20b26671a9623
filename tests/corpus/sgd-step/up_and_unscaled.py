# expect: new_w=term-sign:gradient+term-factor:gradient|term-factor:gradient|term-factor:loss|term-factor:grad_w; new_b=right
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    r = X @ w + b - y
    return w + lr * r @ X

def new_b(X, y, w, b, lr, batch_size):
    r = X @ w + b - y
    return b - lr * r.sum() / batch_size
