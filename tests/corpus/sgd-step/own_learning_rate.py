# expect: new_w=global-or-hardcoded|term-factor:gradient|term-factor:loss|term-factor:grad_w; new_b=right
# exercise: sgd-step
LEARNING_RATE = 0.03

def new_w(X, r, w, batch_size):
    return w - LEARNING_RATE * (X.T @ r) / batch_size

def new_b(r, b, lr, batch_size):
    return b - lr * r.sum() / batch_size
