# expect: grad_W=right; grad_b=not-summed
# exercise: several-outputs
def grad_W(X, Y, W, b):
    return X.T @ (X @ W + b - Y) / len(X)

def grad_b(X, Y, W, b):
    return (X @ W + b - Y) / len(X)
