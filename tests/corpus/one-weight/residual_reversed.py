# expect: grad_w=sign; grad_b=sign
# exercise: one-weight
def residual(x, y, w, b):
    return y - (w * x + b)

def grad_w(x, y, w, b):
    return residual(x, y, w, b) * x

def grad_b(x, y, w, b):
    return residual(x, y, w, b)
