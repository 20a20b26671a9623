# expect: grad_w=ignores:y; grad_b=right
# exercise: one-weight
def grad_w(x, y_hat):
    return y_hat * x

def grad_b(y_hat, y):
    return y_hat - y
