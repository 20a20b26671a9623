# expect: grad_w=wrong-variable|factor:w/x; grad_b=right
# exercise: one-weight
def grad_w(w, r):
    return r * w

def grad_b(r):
    return r
