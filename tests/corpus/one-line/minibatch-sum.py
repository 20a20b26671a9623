# exercise: minibatch-sum
# every line is a file of its own: one answer, and after it the names that are fair
grad_w = lambda X, r: X.T@r/len(X)  # factor:1/n
grad_w = lambda X, r: 2*X.T@r  # factor:2
grad_w = lambda X, y, r: 2/len(y)*X.T@r  # factor:2/n
grad_w = lambda X, r: X.T@r/X.shape[1]  # factor:1/d
grad_w = lambda X, y, w, b: X.T@(y-X@w-b)  # sign
grad_w = lambda X, y, w: -X.T@(y-X@w)  # ignores:b
grad_w = lambda X, w, b: X.T@(X@w+b)  # ignores:y
grad_w = lambda X, r: (X*r[:,None]).mean(axis=0)  # factor:1/n
grad_w = lambda X, r: (X*r[:,None]).sum(axis=1)  # axis
grad_w = lambda X, r: X*r[:,None]  # not-summed|elementwise
grad_w = lambda X, r: X.sum(axis=0)*r.sum()  # mean-of-products
grad_w = lambda X, r: X.sum(0)*r.mean()  # mean-of-products
grad_w = lambda X, r: X[-1]*r[-1]  # last-only
grad_w = lambda X, r: X[0]*r[0]  # first-only
grad_w = lambda X, r: X[:-1].T@r[:-1]  # off-by-one
grad_w = lambda X, r: X[1:].T@r[1:]  # off-by-one
grad_w = lambda X, r: (X.T@r)[None,:]  # shape
grad_w = lambda X, y, w, b: X.T@((X@w+b)[:,None]-y)  # broadcast
grad_w = lambda X, r: r.sum()*np.ones(X.shape[1])  # chain-missing:y_hat|swapped-answer:grad_b|ignores:X
grad_w = lambda r: r.sum()  # swapped-answer:grad_b|chain-missing:y_hat
grad_w = lambda X: X.sum(0)  # chain-missing:loss
grad_w = lambda X, r: X.T@r**2  # loss-for-derivative
grad_w = lambda X, r: X.T@(r**2/2)  # loss-for-derivative
grad_w = lambda X, w, r: X.T@r+w  # extra-term:w
grad_w = lambda X, w, r: w-0.03*X.T@r  # update-returned
grad_w = lambda X, y_hat: X.T@y_hat  # ignores:y
grad_w = lambda X, y, w, b: X.T@(X@w+b+y)  # term-sign:y
grad_w = lambda w, loss: loss*w  # not-recognised|wrong-variable|loss-for-derivative
grad_w = lambda X, r: (X**2).T@r  # chain-twice:y_hat
grad_w = lambda X, r: np.abs(X.T@r)  # not-recognised
grad_b = lambda r: r  # not-summed
grad_b = lambda r: r.mean()  # factor:1/n
grad_b = lambda r: r[-1]  # last-only
grad_b = lambda r: r[0]  # first-only
grad_b = lambda r: r[:-1].sum()  # off-by-one
grad_b = lambda X: len(X)  # chain-missing:loss|wrong-variable
grad_b = lambda r: np.sum(r**2)  # loss-for-derivative
grad_b = lambda r: np.sum(r**2)/2  # loss-for-derivative
grad_b = lambda loss: loss  # loss-for-derivative
grad_b = lambda X, y, w, b: np.sum((X@w+b)[:,None]-y)  # factor:n|broadcast
grad_b = lambda X, r: np.sum(X.T@r)  # swapped-answer:grad_w|not-recognised|wrong-variable|chain-twice:y_hat
grad_b = lambda r: np.array([r.sum()])  # shape
grad_b = lambda b, r: r.sum()*b  # wrong-variable|factor:b
grad_b = lambda X, r: X.T@r  # swapped-answer:grad_w
grad_b = lambda X, y, w, b: np.sum(y)-np.sum(X@w)-b  # not-recognised|sign
grad_b = lambda X, y, w, b: np.sum(X@w-y)+b  # not-recognised
grad_b = lambda X, y, w: -(y-X@w).sum()  # ignores:b
