# expect: grad_W=ignores:b; grad_b=ignores:b
# exercise: several-outputs
def grad_W(X, Y, W):
    return X.T.dot(X.dot(W) - Y) / len(Y)

def grad_b(X, Y, W):
    return (X.dot(W) - Y).sum(0) / len(Y)
