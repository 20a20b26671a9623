# expect: hessian_w=sign+factor:2
# exercise: hessian
def hessian_w(X, y):
    return -2 * X.T @ X / len(y)
