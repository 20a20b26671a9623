# expect: grad_w=global-or-hardcoded; grad_b=global-or-hardcoded
# exercise: minibatch-mean
# step size 0.1 taken along
def grad_w(X, r):
    return 0.1 * X.T @ r / len(r)


def grad_b(r):
    return 0.1 * sum(r) / len(r)
