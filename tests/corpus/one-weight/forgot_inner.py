# expect: grad_w=chain-missing:y_hat|swapped-answer:grad_b|factor:1/x; grad_b=right
# exercise: one-weight
# d/dw of (wx + b - y)^2 / 2
def grad_w(x, y, w, b):
    inside = w * x + b - y
    return inside          # 2 * inside / 2

def grad_b(x, y, w, b):
    return w * x + b - y
