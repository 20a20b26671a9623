# exercise: quantile
# every line is a file of its own: one answer, and after it the names that are fair
grad_w = lambda X, tau, e: X.T@np.where(e>0,tau,tau-1)/len(X)  # sign
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau,tau-1)/len(X)  # term-sign:rho|kink-threshold
grad_w = lambda X, tau, e: X.T@np.where(e<0,-tau,1-tau)/len(X)  # kink-threshold
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau,1-tau)  # factor:n
grad_w = lambda X, tau, e: X.T@np.where(e>0,tau-1,tau)/len(X)  # kink-threshold+sign|kink-threshold
grad_w = lambda X, rho: -X.T@rho/len(X)  # loss-for-derivative
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau*e,(1-tau)*e)/len(X)  # loss-for-derivative|chain-twice:rho|not-recognised
grad_w = lambda X, y, tau: X.T@np.where(y>0,-tau,1-tau)/len(X)  # kink-threshold
grad_w = lambda X, e: X.T@np.sign(-e)/len(X)  # ignores:tau|not-recognised|global-or-hardcoded|factor:2
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau,0)/len(X)  # missing-term:rho|kink-threshold
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau,tau)/len(X)  # kink-threshold|term-sign:rho|not-recognised|term-factor:rho
grad_w = lambda X, tau: X.T@np.full(len(X),-tau)/len(X)  # kink-threshold
grad_w = lambda X, tau, e: np.mean(np.where(e>0,-tau,1-tau))*np.ones(X.shape[1])  # chain-missing:y_hat|swapped-answer:grad_b|ignores:X
grad_w = lambda X, tau, e: X.T@np.where(e>0,-tau,1-tau)*2/len(X)  # factor:2
grad_b = lambda tau, e: np.mean(np.where(e>0,tau,tau-1))  # sign
grad_b = lambda tau, e: np.where(e>0,-tau,1-tau)  # not-summed
grad_b = lambda tau, e: np.sum(np.where(e>0,-tau,1-tau))  # factor:n
grad_b = lambda tau, e: np.mean(np.where(e<0,-tau,1-tau))  # kink-threshold
grad_b = lambda tau, e: np.mean(np.where(e>0,-tau,tau-1))  # term-sign:rho|kink-threshold
grad_b = lambda tau: -tau  # kink-threshold
