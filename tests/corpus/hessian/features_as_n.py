# expect: hessian_w=factor:n/d
# exercise: hessian
def hessian_w(X):
    return X.T @ X / X.shape[1]
