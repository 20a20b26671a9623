# expect: grad_w=right; grad_b=right
# exercise: quantile
import numpy as np

# 分位数损失:高估罚 1-tau,低估罚 tau
def 斜率(e, tau):
    s = np.full(e.shape, -tau)
    s[e < 0] = 1 - tau
    return s

def grad_w(X, e, tau):
    return np.einsum("i,ij->j", 斜率(e, tau), X) / len(e)

def grad_b(e, tau):
    return np.average(斜率(e, tau))
