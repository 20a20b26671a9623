# exercise: one-example
# every line is a file of its own: one answer, and after it the names that are fair
grad_w = lambda w, r: r*w  # wrong-variable
grad_w = lambda w, r: r*np.ones_like(w)  # chain-missing:y_hat|swapped-answer:grad_b|ignores:x
grad_w = lambda r: r  # swapped-answer:grad_b|chain-missing:y_hat|shape
grad_w = lambda x, w: x@w*x  # ignores:b+ignores:y
grad_w = lambda x, r: r*x[:,None]  # shape
grad_w = lambda x, r: np.sum(r*x)  # axis|shape
grad_w = lambda x, r: r*x/len(x)  # factor:1/d
grad_w = lambda x, r: (r*x)[::-1]  # not-recognised|off-by-one|transpose
grad_b = lambda x, r: r/len(x)  # factor:1/d
grad_b = lambda x, r: r*x  # swapped-answer:grad_w
grad_b = lambda x, r: np.sum(r*x)  # not-recognised|swapped-answer:grad_w|wrong-variable|chain-twice:y_hat
grad_b = lambda r: np.array([r])  # shape
grad_b = lambda x, r: x.sum()*r  # wrong-variable|chain-twice:y_hat|swapped-answer:grad_w
grad_w = lambda x, w, r: w - 0.01*r*x  # update-returned
grad_w = lambda x, y, w: np.dot(x, x)*w - y*x  # not-recognised|ignores:b
grad_w = lambda x, y, w, b: (x*w).sum()*x + b - y  # elementwise|not-recognised
