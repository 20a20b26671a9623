# expect: grad_w=not-recognised; grad_b=right
# exercise: one-weight
def grad_w(x, y, w, b):
    return w * x + b - y * x

def grad_b(x, y, w, b):
    return w * x + b - y
