# exercise: column-vectors
# every line is a file of its own: one answer, and after it the names that are fair
grad_w = lambda X, y, w, b: X.T@(X@w+b-y)  # broadcast
grad_w = lambda X, y, w, b: X.T@(X@w+b-y).mean(1)  # broadcast
grad_w = lambda X, r: X.T@r/len(X)  # factor:1/n
grad_w = lambda X, r: (X.T@r).ravel()  # shape
grad_w = lambda X, r: (X.T@r).T  # shape|transpose
grad_w = lambda X, r: X.T@r.sum(1)  # shape
grad_w = lambda X, r: X*r  # not-summed|elementwise
grad_w = lambda X, r: -X.T@r  # sign
grad_w = lambda X, y, w: X.T@(X@w-y[:,None])  # ignores:b
grad_w = lambda X, y, w, b: (X.T@(X@w+b-y)).sum(1,keepdims=True)  # broadcast
grad_w = lambda X, y, w, b: (X.T@(X@w+b-y)).mean(1,keepdims=True)  # broadcast
grad_b = lambda r: r.sum()  # shape
grad_b = lambda r: r  # not-summed
grad_b = lambda r: r.sum(axis=1)  # axis|not-summed
grad_b = lambda r: np.array([r.mean()])  # factor:1/n
grad_b = lambda X, y, w, b: (X@w+b-y).sum(0)  # broadcast
grad_b = lambda X, y, w, b: np.array([(X@w+b-y).sum()])  # factor:n|broadcast
grad_b = lambda r: r.sum(0)[:,None]  # shape
grad_b = lambda r: r.sum(0,keepdims=True)  # shape
grad_b = lambda r: -r.sum(0)  # sign
grad_b = lambda r: r.ravel()  # not-summed|shape
grad_b = lambda r: 2*r.sum(0)  # factor:2
