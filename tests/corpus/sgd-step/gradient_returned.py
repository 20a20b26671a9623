# expect: new_w=wrong-variable; new_b=wrong-variable
# exercise: sgd-step
def new_w(X, r):
    return X.T @ r

def new_b(r):
    return r.sum()
