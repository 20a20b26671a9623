"""The linear model and its derivative, side by side."""

import numpy as np

from npreg.arrays import FloatArray, as_array, as_float_array

__all__ = ["linreg", "linreg_backward"]


def linreg(X: FloatArray, w: FloatArray, b: FloatArray) -> FloatArray:
    """The linear model's prediction, one row an example.

        y_hat = X w + b        X (n, d),  w (d, k), a column (d, 1) for one output,  b (k,);  y_hat (n, k)

    All of one float dtype; NaN and inf go through, as in NumPy.  ValueError where the shapes do not fit, TypeError
    for what is not made of real numbers.

    >>> linreg(np.array([[1.0, 2.0]]), np.array([[2.0], [-3.4]]), np.array([4.2]))
    array([[-0.6]])
    """
    X, w, b = as_array(X, "X"), as_array(w, "w"), as_array(b, "b")
    if X.ndim != 2 or w.ndim != 2 or X.shape[1] != w.shape[0] or b.shape != w.shape[1:]:
        given = f"X of shape {X.shape}, w of shape {w.shape} and b of shape {b.shape}"
        raise ValueError(f"{given} do not fit; needed are (n, d), (d, k) and (k,), with k = 1 for one output")
    if not X.dtype.kind == w.dtype.kind == b.dtype.kind == "f":
        X, w, b = as_float_array(X, "X"), as_float_array(w, "w"), as_float_array(b, "b")
    y_hat: FloatArray = X @ w
    if y_hat.dtype == b.dtype:
        y_hat += b
        return y_hat
    return y_hat + b


def linreg_backward(X: FloatArray, grad_y_hat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pull a derivative with respect to the prediction back to the parameters: grad_w (d, k) and grad_b (k,).

        y_hat[i] = Σ_j X[i, j] w[j] + b   so   ∂y_hat[i]/∂w[j] = X[i, j],  ∂y_hat[i]/∂b = 1
        grad_w[j] = Σ_i X[i, j] grad_y_hat[i]      grad_w = Xᵀ grad_y_hat
        grad_b    = Σ_i grad_y_hat[i]

    A **sum** over the minibatch, without 1/B: `sgd` divides.  X is (n, d), and grad_y_hat (n, k) the loss's
    derivative with respect to each prediction; errors as of `linreg`.

    >>> grad_w, grad_b = linreg_backward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [-1.0]]))
    >>> grad_w, grad_b
    (array([[-2.], [-2.]]), array([0.]))
    """
    X, grad_y_hat = as_array(X, "X"), as_array(grad_y_hat, "grad_y_hat")
    if X.ndim != 2 or grad_y_hat.ndim != 2 or X.shape[0] != grad_y_hat.shape[0]:
        given = f"X of shape {X.shape} and grad_y_hat of shape {grad_y_hat.shape}"
        raise ValueError(f"{given} do not fit; needed are (n, d) and (n, k), with k = 1 for one output")
    if not X.dtype.kind == grad_y_hat.dtype.kind == "f":
        X, grad_y_hat = as_float_array(X, "X"), as_float_array(grad_y_hat, "grad_y_hat")
    return X.T @ grad_y_hat, np.add.reduce(grad_y_hat, axis=0)
