# expect: hessian_w=wrong-variable|shape
# exercise: hessian
def hessian_w(X, y, w, b):
    return X.T @ (X @ w + b - y) / len(y)
