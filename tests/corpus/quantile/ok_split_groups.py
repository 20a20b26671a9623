# expect: grad_w=right; grad_b=right
# exercise: quantile
def grad_w(X, y, w, b, tau):
    above = y > X @ w + b
    return ((1 - tau) * X[~above].sum(0) - tau * X[above].sum(0)) / len(X)

def grad_b(X, y, w, b, tau):
    above = y > X @ w + b
    return ((1 - tau) * (~above).sum() - tau * above.sum()) / len(X)
