# expect: grad_X=right; grad_gamma=right; grad_beta=right
# exercise: layer-norm
def grad_out(G):
    return G

def grad_Xhat(G, gamma):
    return G * gamma

def grad_X(G, gamma, Xhat, var):
    D = grad_Xhat(G, gamma)
    mean = lambda M: M.mean(axis=1, keepdims=True)
    return (D - mean(D) - Xhat * mean(D * Xhat)) / (var + 1e-5) ** 0.5

def grad_gamma(G, Xhat):
    return (grad_out(G) * Xhat).sum(axis=0)

def grad_beta(G):
    return grad_out(G).sum(axis=0)
