# expect: grad_w=right; grad_b=not-summed
# exercise: mean-squared-error
def grad_w(X, r):
    return 2 / len(r) * (r @ X)

def grad_b(r):
    return 2 / len(r) * r
