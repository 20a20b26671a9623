# expect: grad_w=ignores:b; grad_b=ignores:b
# exercise: one-weight
def grad_w(x, y, w):
    yhat = w * x
    return (yhat - y) * x

def grad_b(x, y, w):
    yhat = w * x
    return yhat - y
