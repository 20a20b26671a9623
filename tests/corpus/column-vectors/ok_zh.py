# expect: grad_w=right; grad_b=right
# exercise: column-vectors
import numpy as np

# 注意:y 是 (n,),预测是 (n,1),先变成列向量
def 误差(X, y, w, b):
    列 = y.reshape(len(y), 1)
    return X.dot(w) + b - 列

def grad_w(X, y, w, b):
    return np.dot(X.T, 误差(X, y, w, b))

def grad_b(X, y, w, b):
    return 误差(X, y, w, b).sum(axis=0)
