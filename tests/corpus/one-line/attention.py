# exercise: attention
# every line is a file of its own: one answer, and after it the names that are fair
grad_V = lambda G, P: P@G  # transpose
grad_V = lambda P, O: P.T@O  # wrong-variable
grad_V = lambda G: G  # chain-missing:O
grad_V = lambda G, S: S.T@G  # chain-missing:P|wrong-variable
grad_V = lambda G, P: -P.T@G  # sign
grad_V = lambda G, P: P.T@G/len(G)  # factor:1/n
grad_V = lambda G, P: (P.T@G).T  # transpose
grad_V = lambda V, G, P: P.T@(G*V)  # wrong-variable|not-recognised
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K  # factor:sqrt(d)
grad_Q = lambda Q, K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@Q/np.sqrt(K.shape[1])  # wrong-variable
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True))).T@K/np.sqrt(K.shape[1])  # transpose
grad_Q = lambda K, V, G: (G@V.T)@K/np.sqrt(K.shape[1])  # chain-missing:P
grad_Q = lambda K, V, G, P: (P*(G@V.T))@K/np.sqrt(K.shape[1])  # missing-term:P|chain-missing:P
grad_Q = lambda K, V, G, P: (P*(1-P)*(G@V.T))@K/np.sqrt(K.shape[1])  # elementwise|missing-term:P|chain-at:P
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K/K.shape[1]  # factor:1/sqrt(d)
grad_Q = lambda K, V, G, P: (P*((G@V.T)-np.sum(P*(G@V.T),axis=0)))@K/np.sqrt(K.shape[1])  # axis
grad_Q = lambda K, V, G, P: -((P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K/np.sqrt(K.shape[1]))  # sign
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@V/np.sqrt(K.shape[1])  # wrong-variable
grad_Q = lambda K, V, G, P: (P*(G@V.T-np.sum(G@V.T,axis=1,keepdims=True)))@K/np.sqrt(K.shape[1])  # not-recognised|chain-at:P
grad_Q = lambda K, V, G, P: ((G@V.T)-np.sum(P*(G@V.T),axis=1,keepdims=True))@K/np.sqrt(K.shape[1])  # not-recognised|chain-missing:P
grad_Q = lambda K, V, G, P: (P*(G@V.T+np.sum(P*(G@V.T),axis=1,keepdims=True)))@K/np.sqrt(K.shape[1])  # term-sign:P|not-recognised
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K/np.sqrt(len(K))  # factor:sqrt(d)/sqrt(n)
grad_Q = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K*np.sqrt(K.shape[1])  # factor:d
grad_K = lambda Q, K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@Q/np.sqrt(K.shape[1])  # transpose
grad_K = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True))).T@K/np.sqrt(K.shape[1])  # wrong-variable
grad_K = lambda Q, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True))).T@Q  # factor:sqrt(d)
grad_K = lambda Q, K, V, G: (G@V.T).T@Q/np.sqrt(K.shape[1])  # chain-missing:P
grad_K = lambda K, V, G, P: (P * (G @ V.T - np.sum(P * (G @ V.T), axis=1, keepdims=True)))@K/np.sqrt(K.shape[1])  # swapped-answer:grad_Q
grad_K = lambda Q, K, V, G, P: (P*(G@V.T)).T@Q/np.sqrt(K.shape[1])  # missing-term:P|chain-missing:P
grad_K = lambda Q, K, S: S.T@Q/np.sqrt(K.shape[1])  # not-recognised|wrong-variable
