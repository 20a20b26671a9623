# expect: grad_w=right; grad_b=right
# exercise: one-example
def grad_y_hat(y_hat, y):
    return y_hat - y

def grad_w(x, y_hat, y):
    return grad_y_hat(y_hat, y) * x

def grad_b(y_hat, y):
    return grad_y_hat(y_hat, y)
