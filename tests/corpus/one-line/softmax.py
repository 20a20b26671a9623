# exercise: softmax
# every line is a file of its own: one answer, and after it the names that are fair
grad_W = lambda X, Y, P: X.T@(P-Y)  # factor:n
grad_W = lambda X, Y, P: X.T@(Y-P)/len(X)  # sign
grad_W = lambda X, P: X.T@P/len(X)  # ignores:Y
grad_W = lambda X, Y, Z: X.T@(Z-Y)/len(X)  # chain-missing:P
grad_W = lambda X, Y, P: X.T@(-Y/P)/len(X)  # chain-missing:P
grad_W = lambda X, Y, P: X.T@(P*Y-Y)/len(X)  # elementwise|missing-term:P|chain-at:P
grad_W = lambda X, Y, P: X.T@((P-Y)*P*(1-P))/len(X)  # chain-twice:P|not-recognised
grad_W = lambda X, Y, P: (P-Y).T@X/len(X)  # transpose
grad_W = lambda X, Y, P: X.T@(P+Y)/len(X)  # term-sign:Y
grad_W = lambda X, Y, P: X.T@(P-Y)/P.size  # factor:1/k
grad_W = lambda X, Y: -X.T@Y/len(X)  # missing-term:P
grad_W = lambda X, Y, P: -X.T@(Y*np.log(P))/len(X)  # loss-for-derivative
grad_W = lambda X, Y, Z: X.T@(np.exp(Z)-Y)/len(X)  # wrong-variable|not-recognised|chain-missing:P
grad_b = lambda Y, P: (P-Y).sum(0)  # factor:n
grad_b = lambda Y, P: (P-Y).mean()  # not-recognised|axis
grad_b = lambda X, Y, P: (P-Y)/len(X)  # not-summed
grad_b = lambda Y, P: -(P-Y).mean(0)  # sign
grad_b = lambda P: P.mean(0)  # ignores:Y
grad_b = lambda Y, P: (P-Y).mean(0)[:,None]  # shape
grad_b = lambda Y, P: (P*Y-Y).mean(0)  # elementwise|missing-term:P
