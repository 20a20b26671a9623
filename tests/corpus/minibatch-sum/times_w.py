# expect: grad_w=wrong-variable; grad_b=right
# exercise: minibatch-sum
def grad_w(X, r, w):
    return (X.T @ r) * w


def grad_b(r):
    return r.sum()
