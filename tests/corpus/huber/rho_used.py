# expect: grad_w=loss-for-derivative; grad_b=loss-for-derivative
# exercise: huber
def grad_w(X, rho):
    return X.T @ rho / len(rho)

def grad_b(loss):
    return loss
