# expect: grad_W=right; grad_b=swapped-answer:grad_W|wrong-variable
# exercise: several-outputs
import numpy as np

def grad_W(X, R): return X.T @ R / len(X)
def grad_b(X, R): return (X.T @ R / len(X)).mean(0)
