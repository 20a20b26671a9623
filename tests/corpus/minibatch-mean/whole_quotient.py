# expect: grad_w=global-or-hardcoded; grad_b=right
# exercise: minibatch-mean
def grad_w(X, y, w, b):
    m, d = X.shape
    err = X @ w + b - y
    out = 0 * w
    for j in range(d):
        out[j] = (1 // m) * sum(err * X[:, j])
    return out

def grad_b(X, y, w, b):
    return (X @ w + b - y).mean()
