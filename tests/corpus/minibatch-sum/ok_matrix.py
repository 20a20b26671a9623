# expect: grad_w=right; grad_b=right
# exercise: minibatch-sum
def grad_w(X, y, w, b):
    return X.T @ (X @ w + b - y)

def grad_b(X, y, w, b):
    return (X @ w + b - y).sum()
