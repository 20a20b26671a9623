# expect: grad_w=loss-for-derivative; grad_b=loss-for-derivative
# exercise: one-example
def grad_w(x, y, w, b):
    return ((x @ w + b - y) ** 2 / 2) * x

def grad_b(loss):
    return loss
