# expect: grad_w=right; grad_b=right
# exercise: one-weight
grad_r = lambda r: r
grad_w = lambda r, x: grad_r(r) * x
grad_b = lambda r: grad_r(r)
