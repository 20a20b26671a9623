# expect: hessian_w=wrong-variable
# exercise: hessian
import numpy as np

def hessian_w(X, r): return (X.T * r) @ X / len(r)
