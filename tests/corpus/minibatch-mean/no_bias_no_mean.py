# expect: grad_w=factor:n+ignores:b; grad_b=factor:n
# exercise: minibatch-mean
def grad_w(X, y, w):
    g = 0
    for i in range(len(y)):
        g = g + X[i] * (X[i].dot(w) - y[i])
    return g

def grad_b(X, y, w, b):
    g = 0
    for i in range(len(y)):
        g = g + (X[i].dot(w) + b - y[i])
    return g
