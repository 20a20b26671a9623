# expect: grad_w=elementwise|not-summed; grad_b=not-summed
# exercise: minibatch-sum
def grad_w(X, y, w, b):
    r = X @ w + b - y
    return X * r[:, None]

def grad_b(X, y, w, b):
    r = X @ w + b - y
    return r
