# expect: grad_w=update-returned; grad_b=update-returned
# exercise: one-weight
lr = 0.1

def grad_w(x, y, w, b):
    g = (w * x + b - y) * x
    w = w - lr * g
    return w

def grad_b(x, y, w, b):
    g = w * x + b - y
    b = b - lr * g
    return b
