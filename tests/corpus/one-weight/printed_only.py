# expect: grad_w=right; grad_b=no-return
# exercise: one-weight
def grad_w(x, r):
    g = r * x
    print("grad_w =", g)
    return g

def grad_b(r):
    g = r
    print("grad_b =", g)
