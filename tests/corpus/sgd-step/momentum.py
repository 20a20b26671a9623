# expect: new_w=not-repeatable; new_b=right
# exercise: sgd-step
velocity = {}

def new_w(X, r, w, lr, batch_size):
    d = len(w)
    v = velocity.get(d, 0) * 0.9 + X.T @ r / batch_size
    velocity[d] = v
    return w - lr * v

def new_b(r, b, lr, batch_size):
    return b - lr * r.sum() / batch_size
