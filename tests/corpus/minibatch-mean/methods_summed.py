# expect: grad_w=right; grad_b=factor:n
# exercise: minibatch-mean
import numpy as np

class LinearRegression:
    def __init__(self, w, b):
        self.w = w
        self.b = b

    def predict(self, X):
        return X @ self.w + self.b

    def grad_w(self, X, y):
        return X.T @ (self.predict(X) - y) / len(y)

    def grad_b(self, X, y):
        return (self.predict(X) - y).sum()
