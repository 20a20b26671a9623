# expect: grad_w=term-factor:penalty; grad_b=right
# exercise: ridge
def grad_w(X, r, w, lam):
    return X.T @ r / len(r) + 2 * lam * w

def grad_b(r):
    return sum(r) / len(r)
