# expect: hessian_w=right
# exercise: hessian
import numpy as np

def hessian_w(X: np.ndarray) -> np.ndarray:
    A = X.astype(np.float32)
    return np.matmul(A.T, A) / np.float32(A.shape[0])
