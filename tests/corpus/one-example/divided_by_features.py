# expect: grad_w=factor:1/d; grad_b=right
# exercise: one-example
def grad_w(x, r):
    return r * x / len(x)

def grad_b(r):
    return r
