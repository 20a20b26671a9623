# exercise: huber
# every line is a file of its own: one answer, and after it the names that are fair
grad_w = lambda X, r: X.T@r/len(X)  # kink-threshold
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,delta)/len(X)  # kink-threshold|chain-missing:rho|term-sign:rho
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,delta*np.sign(r),r)/len(X)  # kink-threshold
grad_w = lambda X, delta, r: X.T@np.where(r<=delta,r,delta*np.sign(r))/len(X)  # kink-threshold
grad_w = lambda X, delta, r: X.T@np.clip(r,-delta,delta)  # factor:n
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,np.sign(r))/len(X)  # ignores:delta|term-factor:rho|chain-missing:rho
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,0)/len(X)  # missing-term:rho|kink-threshold
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,-delta*np.sign(r))/len(X)  # term-sign:rho|kink-threshold
grad_w = lambda X, delta, r: X.T@(delta*np.sign(r))/len(X)  # kink-threshold
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta**2,r,delta*np.sign(r))/len(X)  # kink-threshold
grad_w = lambda X, rho: X.T@rho/len(X)  # loss-for-derivative
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,2*r,delta*np.sign(r))/len(X)  # term-factor:rho|kink-threshold
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,2*delta*np.sign(r))/len(X)  # term-factor:rho|kink-threshold
grad_w = lambda X, delta, r: -X.T@np.clip(r,-delta,delta)/len(X)  # sign
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r**2/2,delta*np.sign(r))/len(X)  # loss-for-derivative
grad_w = lambda X, r: X.T@np.clip(r,-1,1)/len(X)  # ignores:delta|kink-threshold|global-or-hardcoded
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,delta*r)/len(X)  # kink-threshold|chain-at:rho|wrong-variable|chain-missing:rho
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,delta*np.abs(r))/len(X)  # kink-threshold|loss-for-derivative|wrong-variable|not-recognised
grad_w = lambda X, delta, r: X.T@np.where(np.abs(r)<=delta,r,delta*(np.abs(r)-delta/2))/len(X)  # loss-for-derivative
grad_w = lambda X, delta, y_hat, r: X.T@np.where(np.abs(y_hat)<=delta,r,delta*np.sign(r))/len(X)  # kink-threshold
grad_b = lambda delta, r: np.mean(np.where(np.abs(r)<=delta,r,delta))  # kink-threshold|chain-missing:rho|term-sign:rho
grad_b = lambda delta, r: np.sum(np.clip(r,-delta,delta))  # factor:n
grad_b = lambda delta, r: np.mean(np.where(np.abs(r)<=delta,r,np.sign(r)))  # ignores:delta|chain-missing:rho|term-factor:rho
grad_b = lambda r: r.mean()  # kink-threshold
grad_b = lambda delta, r: np.clip(r,-delta,delta)  # not-summed
