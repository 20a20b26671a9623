# expect: new_w=right; new_b=right
# exercise: sgd-step
new_w = lambda w, X, r, lr, batch_size: w - (lr * r / batch_size) @ X
new_b = lambda b, r, lr, batch_size: b - (lr * r / batch_size).sum()
