# expect: grad_w=numerical; grad_b=right
# exercise: one-weight
def f(x, y, w, b):
    return 0.5 * (w * x + b - y) ** 2

def grad_w(x, y, w, b):
    h = 1e-4
    return (f(x, y, w + h, b) - f(x, y, w, b)) / h

def grad_b(x, y, w, b):
    return w * x + b - y
