# expect: grad_W=not-recognised; grad_b=not-summed|factor:n
# exercise: softmax
def grad_W(X, Y, P, W):
    return X.T @ (P - Y) @ W.T / len(X)


def grad_b(P, Y):
    return P - Y
