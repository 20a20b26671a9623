# expect: grad_W1=right; grad_b1=right; grad_w2=right; grad_b2=right
# exercise: hidden-layer
import numpy as np

# 反向传播,单精度
def 信号(H, r, w2):
    H, r, w2 = H.astype(np.float32), r.astype(np.float32), w2.astype(np.float32)
    return r[:, None] * w2 * (1 - H * H) / np.float32(len(r))

def grad_W1(X, H, r, w2):
    return X.astype(np.float32).T @ 信号(H, r, w2)

def grad_b1(H, r, w2):
    return 信号(H, r, w2).sum(0)

def grad_w2(H, r):
    return (H.T @ r / len(r)).astype(np.float32)

def grad_b2(r):
    return np.float32(r.mean())
