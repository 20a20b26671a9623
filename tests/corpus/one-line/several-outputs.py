# exercise: several-outputs
# every line is a file of its own: one answer, and after it the names that are fair
grad_W = lambda X, R: X.T@R  # factor:n
grad_W = lambda X, R: X.T@R/(2*len(X))  # factor:1/2
grad_W = lambda X, R: R.T@X/len(X)  # transpose
grad_W = lambda X, R: X.T@R/R.size  # factor:1/k
grad_W = lambda X, Y, W: X.T@(X@W-Y)/len(X)  # ignores:b
grad_W = lambda X, R: X.T@R/X.size  # factor:1/d
grad_W = lambda X, R: X.T@R.mean(axis=1)  # axis|not-recognised|shape
grad_W = lambda X, R: np.outer(X.mean(0),R.mean(0))  # mean-of-products
grad_W = lambda X, R: X.T@(R**2)/len(X)  # loss-for-derivative
grad_W = lambda X, R: 2*X.T@R/len(X)  # factor:2
grad_W = lambda X, Y, W, b: X.T@(Y-X@W-b)/len(X)  # sign
grad_W = lambda X, R: np.outer(X[-1],R[-1])  # last-only|last-only+factor:n
grad_W = lambda X, R: np.tile(R.mean(0),(X.shape[1],1))  # chain-missing:Y_hat|swapped-answer:grad_b|ignores:X
grad_W = lambda X, R: X.T@np.ones_like(R)/len(X)  # chain-missing:loss|chain-missing:R
grad_W = lambda X, W, R: W-0.1*X.T@R/len(X)  # update-returned
grad_W = lambda X, R: X[:,:,None]*R[:,None,:]  # not-summed
grad_W = lambda X, R: (X[:,:,None]*R[:,None,:]).mean(0).T  # transpose
grad_b = lambda R: R.sum(0)  # factor:n
grad_b = lambda R: R.mean(1)  # axis
grad_b = lambda X, R: R.sum(1)/len(X)  # axis
grad_b = lambda X, R: R/len(X)  # not-summed
grad_b = lambda R: R.mean()  # axis|factor:1/k
grad_b = lambda X, R: R.sum()/len(X)  # axis|shape
grad_b = lambda R: R.mean(0,keepdims=True)  # shape
grad_b = lambda R: R.mean(0)[:,None]  # shape
grad_b = lambda X, Y, W: (X@W-Y).mean(0)  # ignores:b
grad_b = lambda R: -R.mean(0)  # sign
grad_b = lambda X, R: R[-1]/len(X)  # last-only
grad_b = lambda R: (R**2).mean(0)  # loss-for-derivative
grad_b = lambda R: np.ones(R.shape[1])  # chain-missing:loss|chain-missing:R
grad_b = lambda R: R.sum(axis=1)  # axis
