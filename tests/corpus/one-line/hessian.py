# exercise: hessian
# every line is a file of its own: one answer, and after it the names that are fair
hessian_w = lambda X: X.T@X  # factor:n
hessian_w = lambda X: 2*X.T@X/len(X)  # factor:2
hessian_w = lambda X: X@X.T/len(X)  # transpose
hessian_w = lambda X: (X**2).mean(0)  # elementwise|shape
hessian_w = lambda X: np.diag((X**2).mean(0))  # elementwise
hessian_w = lambda X: X.T@X/X.shape[1]  # factor:n/d
hessian_w = lambda X: -X.T@X/len(X)  # sign
hessian_w = lambda X, r: X.T@np.diag(r)@X/len(X)  # wrong-variable|chain-at:loss|not-recognised|extra-term:r
hessian_w = lambda X, r: X.T@r/len(X)  # wrong-variable|shape
hessian_w = lambda X: np.outer(X.mean(0),X.mean(0))  # mean-of-products
hessian_w = lambda X: np.cov(X.T)  # not-recognised|mean-of-products
hessian_w = lambda X: X.T@X/len(X)+np.eye(X.shape[1])  # extra-term:penalty|extra-term:w|not-recognised
hessian_w = lambda X: np.eye(X.shape[1])  # chain-missing:y_hat
hessian_w = lambda X, r: np.outer(X.T@r,X.T@r)/len(X)  # wrong-variable
hessian_w = lambda X: X[:,:,None]*X[:,None,:]/len(X)  # not-summed
hessian_w = lambda X: np.sum(X**2)/len(X)  # axis|shape
hessian_w = lambda X: np.linalg.inv(X.T@X/len(X))  # not-recognised
hessian_w = lambda X, w: X.T@X@w/len(X)  # wrong-variable
hessian_w = lambda X: np.outer(X[0],X[0])/len(X)  # first-only
hessian_w = lambda X: X[:-1].T@X[:-1]/len(X)  # off-by-one
