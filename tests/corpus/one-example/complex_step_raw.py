# expect: grad_w=right; grad_b=dtype
# exercise: one-example
def f(x, y, w, b):
    return (x @ w + b - y) ** 2 / 2

def grad_w(x, y, w, b):
    return (x @ w + b - y) * x

def grad_b(x, y, w, b):
    h = 1e-20
    return f(x, y, w, b + 1j * h) / (1j * h)
