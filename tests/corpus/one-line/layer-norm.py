# exercise: layer-norm
# every line is a file of its own: one answer, and after it the names that are fair
grad_X = lambda gamma, G, var: gamma*G/np.sqrt(var+1e-5)  # missing-term:mu+missing-term:var
grad_X = lambda gamma, G, var: (gamma*G-(gamma*G).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # missing-term:var
grad_X = lambda gamma, G, var, Xhat: (gamma*G-Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # missing-term:mu
grad_X = lambda G, var, Xhat: (G-G.mean(1,keepdims=True)-Xhat*(G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # ignores:gamma|chain-missing:out
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/(var+1e-5)  # chain-twice:Xhat|chain-missing:Xhat|not-recognised
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean(1,keepdims=True)+Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # term-sign:var
grad_X = lambda gamma, G, var, Xhat: (gamma*G+(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # term-sign:mu
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).sum(1,keepdims=True)-Xhat*(gamma*G*Xhat).sum(1,keepdims=True))/np.sqrt(var+1e-5)  # term-factor:mu+term-factor:var
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean(0)-Xhat*(gamma*G*Xhat).mean(0))/np.sqrt(var+1e-5)  # axis
grad_X = lambda gamma, G: gamma*G  # chain-missing:Xhat|missing-term:mu
grad_X = lambda G, Xhat: G*Xhat  # wrong-variable|not-recognised
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G*Xhat).sum(1,keepdims=True))/np.sqrt(var+1e-5)  # term-factor:var
grad_X = lambda gamma, G, var, Xhat: -(gamma*G-(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # sign
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G).mean(1,keepdims=True))/np.sqrt(var+1e-5)  # not-recognised
grad_X = lambda gamma, G, var, Xhat: ((gamma*G-(gamma*G).mean(1,keepdims=True)-Xhat*(gamma*G*Xhat).mean(1,keepdims=True))/np.sqrt(var+1e-5)).T  # transpose
grad_X = lambda gamma, G, var, Xhat: (gamma*G-(gamma*G).mean()-Xhat*(gamma*G*Xhat).mean())/np.sqrt(var+1e-5)  # axis
grad_gamma = lambda X, G: (G*X).sum(0)  # wrong-variable|chain-missing:Xhat
grad_gamma = lambda G, Xhat: (G*Xhat).mean(0)  # factor:1/n
grad_gamma = lambda G, Xhat: (G*Xhat).sum(1)  # axis
grad_gamma = lambda G: G.sum(0)  # swapped-answer:grad_beta|chain-missing:out|ignores:X
grad_gamma = lambda G, Xhat: G*Xhat  # not-summed|elementwise
grad_gamma = lambda G, out: (G*out).sum(0)  # wrong-variable
grad_gamma = lambda X, G, mu: (G*(X-mu)).sum(0)  # wrong-variable|chain-missing:Xhat
grad_gamma = lambda gamma, G: (G*gamma).sum(0)  # wrong-variable
grad_gamma = lambda gamma, G, Xhat: (G*Xhat*gamma).sum(0)  # wrong-variable|chain-twice:out|factor:gamma
grad_beta = lambda G: G.mean(0)  # factor:1/n
grad_beta = lambda G: G.sum(1)  # axis
grad_beta = lambda G: G  # not-summed
grad_beta = lambda G: G.sum()  # axis|shape
grad_beta = lambda beta, G: (G*beta).sum(0)  # wrong-variable
grad_beta = lambda X, beta: np.ones(len(beta))*len(X)  # chain-missing:loss
grad_beta = lambda G: G.sum(0,keepdims=True)  # shape
