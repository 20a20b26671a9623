# expect: grad_w=right; grad_b=right
# exercise: one-weight
import numpy as np

def 残差(x, y, w, b):
    # 预测减去标签
    return np.subtract(w * x + b, y)

def grad_w(x, y, w, b):
    # 链式法则:外层 r,内层 x
    return np.multiply(残差(x, y, w, b), x)

def grad_b(x, y, w, b):
    return 残差(x, y, w, b)
