# expect: grad_W=chain-missing:P; grad_b=chain-missing:P
# exercise: softmax
def grad_W(X, P, Y):
    return X.T @ (-Y / P) / len(Y)

def grad_b(P, Y):
    return (-Y / P).sum(axis=0) / len(Y)
