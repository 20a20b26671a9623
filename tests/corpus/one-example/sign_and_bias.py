# expect: grad_w=sign+ignores:b; grad_b=sign+ignores:b
# exercise: one-example
def grad_w(x, y, w):
    return (y - w.dot(x)) * x

def grad_b(x, y, w):
    return y - w.dot(x)
