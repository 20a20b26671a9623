# expect: grad_W=extra-term:W; grad_b=right
# exercise: several-outputs
def grad_W(X, Y, W, b):
    dW = X.T @ (X @ W + b - Y) / len(X)
    return dW + 0.01 * W        # weight decay

def grad_b(X, Y, W, b):
    return (X @ W + b - Y).mean(axis=0)
