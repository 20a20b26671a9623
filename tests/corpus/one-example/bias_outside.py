# expect: grad_w=ignores:b; grad_b=right
# exercise: one-example
def grad_w(x, y, w, b):
    r = sum(x[j] * w[j] for j in range(len(x))) - y
    return r * x

def grad_b(x, y, w, b):
    r = sum(x[j] * w[j] for j in range(len(x))) + b - y
    return r
