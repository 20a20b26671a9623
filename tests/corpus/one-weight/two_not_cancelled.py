# expect: grad_w=factor:2; grad_b=factor:2
# exercise: one-weight
grad_w = lambda x, y, w, b: 2 * (w * x + b - y) * x
grad_b = lambda x, y, w, b: 2 * (w * x + b - y)
