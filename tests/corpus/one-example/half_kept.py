# expect: grad_w=factor:1/2; grad_b=factor:1/2
# exercise: one-example
def predict(x, w, b):
    total = b
    for xi, wi in zip(x, w):
        total += xi * wi
    return total

def grad_w(x, y, w, b):
    return 0.5 * (predict(x, w, b) - y) * x

def grad_b(x, y, w, b):
    return 0.5 * (predict(x, w, b) - y)
