# expect: grad_W=sign+transpose; grad_b=sign
# exercise: softmax
def grad_W(X, P, Y):
    return (Y - P).T @ X / len(X)

def grad_b(P, Y):
    return (Y - P).sum(axis=0) / len(Y)
