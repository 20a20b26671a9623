# expect: grad_w=missing-term:data; grad_b=right
# exercise: ridge
def grad_w(w, lam):
    # data term doesn't contain w
    return lam * w

def grad_b(r):
    return r.mean()
