# expect: grad_w=term-sign:b; grad_b=term-sign:b
# exercise: one-weight
def grad_w(x, y, w, b):
    return -(y - w * x + b) * x

def grad_b(x, y, w, b):
    return -(y - w * x + b)
