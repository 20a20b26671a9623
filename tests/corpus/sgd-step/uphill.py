# expect: new_w=term-sign:gradient|term-sign:loss|term-sign:grad_w; new_b=term-sign:gradient|term-sign:loss|term-sign:grad_b
# exercise: sgd-step
def new_w(X, y, w, b, lr, batch_size):
    g = X.T @ (X @ w + b - y)
    return w + lr / batch_size * g

def new_b(X, y, w, b, lr, batch_size):
    g = (X @ w + b - y).sum()
    return b + lr / batch_size * g
