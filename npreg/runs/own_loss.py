"""A user's own loss, (value, grad), looked at before the first step, whatever the engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.linear import linreg
from npreg.losses import LOSSES, Loss

ROWS = 8
NEEDED = "needed is one number a prediction, (B, k), without mean, sum or squeeze"


def look_at(loss: Loss, sample: Data, theta: FloatArray) -> None:
    """ValueError or TypeError where value or derivative is not what `train` needs, on a few rows at the start."""
    own = loss.value_function, loss.grad_function
    if own in [(known.value_function, known.grad_function) for known in LOSSES.values()]:
        return
    X, y, _ = sample.head(ROWS)
    y_hat = linreg(X, theta[:-1], theta[-1])
    for name, function in (("value", loss.value), ("grad", loss.grad)):
        _look_at_result(f"the loss's {name} function", function, y_hat, y)
    y, y_hat = y.astype(np.float64), y_hat.astype(np.float64)
    if (found := _compare(loss.value, loss.grad, y_hat, y)) is not None:
        if _compare(loss.grad, loss.value, y_hat, y) is None:
            raise ValueError("value and grad of the loss are exchanged; give loss=(value, grad)")
        row, got, expected = found
        times = f", {got / expected:.4g} times as much" if expected and np.isfinite(got / expected) else ""
        raise ValueError(
            f"the loss's grad function is not the derivative of its value by y_hat: in row {row}, at "
            f"y_hat = {y_hat.flat[row]:.6g} and y = {y.flat[row]:.6g}, it is {got:.6g}, but value changes by "
            f"{expected:.6g}{times}; npreg.check_gradient finds out more"
        )


def _look_at_result(name: str, function: Any, y_hat: FloatArray, y: FloatArray) -> None:
    before, other = y_hat.copy(), y.copy()
    result = function(before, other)
    if result is None:
        raise TypeError(f"{name} returns None; is its return statement missing?")
    array = np.asarray(result)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} returns {array.dtype}; {NEEDED}")
    if array.shape != y_hat.shape:
        raise ValueError(f"{name} returns shape {array.shape} for predictions of shape {y_hat.shape}; {NEEDED}")
    if not np.isfinite(array).all():
        i = int(np.isfinite(array).all(axis=1).argmin())
        where = f"row {i}, at y_hat = {y_hat[i].tolist()} and y = {y[i].tolist()}"
        raise ValueError(f"{name} returns {array[i].tolist()} in {where}; finite numbers are needed")
    if not (np.array_equal(before, y_hat) and np.array_equal(other, y)):
        raise ValueError(f"{name} changes its arguments; let it make new arrays")


def _compare(value: Any, grad: Any, y_hat: FloatArray, y: FloatArray) -> tuple[int, float, float] | None:
    """The first row, flat, whose derivative is neither of the differences to the left and right."""
    size = np.maximum(np.abs(y_hat), np.abs(y_hat - y)) + 1e-300
    single = np.asarray(value(y_hat, y)).dtype == np.float32
    h, tolerance = (1e-2, 5e-2) if single else (1e-5, 1e-3)
    with np.errstate(all="ignore"):
        left, middle, right = (np.asarray(value(y_hat + k * h * size, y), float) for k in (-1, 0, 1))
        sides = (middle - left) / (h * size), (right - middle) / (h * size)
        got = np.asarray(grad(y_hat, y), float)
    # Rounding of the value, over the step.
    noise = np.finfo(np.float32 if single else np.float64).eps * np.abs(middle) * 8 / (h * size)
    room = tolerance * (np.abs(sides[0]) + np.abs(sides[1]) + np.abs(got)) + noise
    wrong = (got < np.minimum(*sides) - room) | (got > np.maximum(*sides) + room)
    if not wrong.any():
        return None
    row = int(wrong.argmax())
    return row, float(got.flat[row]), float(sides[0].flat[row] + sides[1].flat[row]) / 2
