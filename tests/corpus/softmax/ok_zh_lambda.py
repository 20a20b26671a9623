# expect: grad_W=right; grad_b=right
# exercise: softmax
# 交叉熵 + softmax:梯度就是 (P - Y)/n
delta = lambda P, Y: (P - Y) / P.shape[0]
grad_W = lambda X, P, Y: X.T @ delta(P, Y)
grad_b = lambda P, Y: delta(P, Y).sum(axis=0)
