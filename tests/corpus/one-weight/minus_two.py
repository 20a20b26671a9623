# expect: grad_w=sign+factor:2; grad_b=sign
# exercise: one-weight
def grad_w(x, y, w, b):
    diff = y - w*x - b
    return 2 * diff * x

def grad_b(x, y, w, b):
    diff = y - w*x - b
    return diff
