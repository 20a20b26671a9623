# expect: grad_w=loss-for-derivative; grad_b=loss-for-derivative
# exercise: one-weight
def loss(x, y, w, b):
    return (w * x + b - y) ** 2 / 2

def grad_w(x, y, w, b):
    # chain rule: loss times inner derivative
    return loss(x, y, w, b) * x

def grad_b(x, y, w, b):
    return loss(x, y, w, b)
