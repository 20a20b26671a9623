# expect: grad_W=update-returned; grad_b=update-returned
# exercise: several-outputs
eta = 0.05

def grad_W(X, Y, W, b):
    dW = X.T @ (X @ W + b - Y) / X.shape[0]
    return W - eta * dW

def grad_b(X, Y, W, b):
    db = (X @ W + b - Y).sum(0) / X.shape[0]
    return b - eta * db
