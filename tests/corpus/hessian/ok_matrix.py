# expect: hessian_w=right
# exercise: hessian
def hessian_w(X, y, w, b):
    return X.T @ X / len(X)
