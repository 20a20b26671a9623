# expect: grad_W=right; grad_b=right
# exercise: several-outputs
def grad_R(R):
    n = R.shape[0]
    return R / n

def grad_Y_hat(R):
    return grad_R(R)

def grad_W(X, R):
    """(d, n) @ (n, k) -> (d, k)"""
    return X.T @ grad_Y_hat(R)

def grad_b(R):
    return grad_Y_hat(R).sum(axis=0)
