# expect: grad_w=loss-for-derivative|wrong-variable; grad_b=loss-for-derivative|wrong-variable|swapped-answer:grad_w
# exercise: quantile
import numpy as np

def grad_w(X, rho): return X.T @ rho / len(rho)
def grad_b(loss): return loss
