# expect: grad_w=right; grad_b=wrong-variable|factor:b
# exercise: one-weight
def grad_w(x, y, w, b):
    err = w * x + b - y
    return err * x

def grad_b(x, y, w, b):
    err = w * x + b - y
    return err * b
