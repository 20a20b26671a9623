# expect: grad_w=sign+ignores:b; grad_b=right
# exercise: one-weight
def grad_w(x, y, w, b):
    # y - wx, chain rule gives ... x
    return (y - w * x) * x

def grad_b(x, y, w, b):
    return -(y - w * x - b)
