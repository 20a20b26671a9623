# expect: hessian_w=factor:n
# exercise: hessian
def hessian_w(X):
    return X.T @ X
