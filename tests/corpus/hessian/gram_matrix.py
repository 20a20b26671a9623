# expect: hessian_w=transpose
# exercise: hessian
def hessian_w(X):
    return X @ X.T / len(X)
