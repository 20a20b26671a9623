# expect: hessian_w=sign
# exercise: hessian
import numpy as np

def hessian_w(X, y, w, b):
    # derivative of (y - Xw - b) is -X
    dr = -X
    return dr.T @ X / len(y)
