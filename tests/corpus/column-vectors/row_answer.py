# expect: grad_w=transpose|shape; grad_b=right
# exercise: column-vectors
def grad_w(X, r):
    return r.T @ X

def grad_b(r):
    return r.sum(axis=0)
