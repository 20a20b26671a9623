# expect: new_w=extra-term:w|term-factor:w; new_b=right
# exercise: sgd-step
def new_w(X, r, w, lr, batch_size):
    decay = 0.01
    return (1 - decay) * w - lr * (r @ X) / batch_size

def new_b(r, b, lr, batch_size):
    return b - lr * r.sum() / batch_size
