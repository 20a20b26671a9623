# expect: grad_w=kink-threshold|missing-term:rho; grad_b=kink-threshold|missing-term:rho
# exercise: quantile
import numpy as np

def grad_w(X, e, tau): return -tau * X.T @ (e > 0) / len(e)
def grad_b(e, tau): return -tau * np.mean(e > 0)
