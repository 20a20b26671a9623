# expect: grad_w=factor:n/2; grad_b=factor:n/2
# exercise: mean-squared-error
def grad_w(X, r):
    return X.T @ r

def grad_b(r):
    return r.sum()
