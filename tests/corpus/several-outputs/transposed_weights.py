# expect: grad_W=transpose; grad_b=right
# exercise: several-outputs
def grad_W(X, R):
    return R.T @ X / R.shape[0]

def grad_b(R):
    return R.mean(axis=0)
