# expect: grad_w=right; grad_b=right
# exercise: one-weight
def grad_w(x, y, w, b):
    return (w * x + b - y) * x

def grad_b(x, y, w, b):
    return w * x + b - y
