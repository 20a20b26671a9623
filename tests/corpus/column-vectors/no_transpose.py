# expect: grad_w=raises; grad_b=right
# exercise: column-vectors
def grad_w(X, r):
    return X @ r

def grad_b(r):
    return r.sum(axis=0)
