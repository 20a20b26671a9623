# expect: grad_w=right; grad_b=right
# exercise: mean-squared-error
# backprop style: upstream gradients for every node
def grad_r(r):
    return 2 * r / r.shape[0]

def grad_y_hat(r):
    return grad_r(r)

def grad_w(X, r):
    return X.T @ grad_y_hat(r)

def grad_b(r):
    return grad_y_hat(r).sum()
