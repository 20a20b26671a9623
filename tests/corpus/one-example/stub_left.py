# expect: grad_w=right; grad_b=not-implemented
# exercise: one-example
def grad_w(x, y, w, b):
    r = x @ w + b - y
    return r * x

def grad_b(x, y, w, b):
    raise NotImplementedError
