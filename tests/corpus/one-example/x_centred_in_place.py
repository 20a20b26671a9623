# expect: grad_w=changes-input; grad_b=right
# exercise: one-example
def grad_w(x, r):
    x *= r
    return x

def grad_b(r):
    return r
