# expect: grad_w=chain-twice:y_hat|factor:x; grad_b=swapped-answer:grad_w|factor:x
# exercise: one-weight
def grad_w(x, r):
    dr = x
    return r * dr * x

def grad_b(x, r):
    return r * x
