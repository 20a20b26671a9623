"""The door: every array and number that enters npreg is looked at here, once.

Accepted are float32 and float64 arrays, and whatever `np.asarray` turns into real numbers: lists,
pandas objects, integer and boolean arrays (converted to floats).  Everything else is refused with an
error that names what came in and what to do about it.
"""

from __future__ import annotations

import math
import operator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]

__all__ = [
    "DivergenceError",
    "FloatArray",
    "as_batch_size",
    "as_count",
    "as_data",
    "as_features",
    "as_float_array",
    "as_labels",
    "as_nonnegative",
    "check_finite",
]


class DivergenceError(ArithmeticError):
    """The parameters of a run grew beyond all bounds; `w` and `b` are the last finite ones.

    Attributes
    ----------
    epoch : int
        The epoch (counted from 1) at whose end the run was found to have diverged.
    lr : float
        The learning rate of that epoch's last step.
    w, b : ndarray, shapes (d, k) and (k,)
        The parameters at the end of the last epoch that was still in order (the initial ones if
        there is none).
    losses : ndarray, shape (epoch - 1,)
        The mean losses of the epochs before.
    """

    def __init__(
        self, message: str, *, epoch: int, lr: float, w: FloatArray, b: FloatArray, losses: FloatArray
    ) -> None:
        super().__init__(message)
        self.epoch, self.lr, self.w, self.b, self.losses = epoch, lr, w, b, losses

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the message alone, and fail in a process pool.
        return _rebuild_divergence, (str(self), self.epoch, self.lr, self.w, self.b, self.losses)


def _rebuild_divergence(
    message: str, epoch: int, lr: float, w: FloatArray, b: FloatArray, losses: FloatArray
) -> DivergenceError:
    return DivergenceError(message, epoch=epoch, lr=lr, w=w, b=b, losses=losses)


def as_float_array(values: ArrayLike, name: str) -> FloatArray:
    """`values` as a float32 or float64 array; integers, booleans and other floats become float64.

    Raises TypeError for complex, object, text and date arrays, and for anything ragged.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise TypeError(f"{name} is not a rectangular array of numbers: {error}") from None
    if array.dtype == np.float32 or array.dtype == np.float64:
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({array.dtype}); take its real part, {name}.real")
    if array.dtype.kind == "O":
        raise TypeError(
            f"{name} has dtype object; convert it to numbers first, for example with {name}.astype(float)"
        )
    raise TypeError(f"{name} has dtype {array.dtype}; numbers (float32 or float64) are needed")


def check_finite(array: FloatArray, name: str) -> None:
    """Raise ValueError with the first row and column where `array` is NaN or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(array, axis=None)
    if math.isfinite(total):  # one cheap pass: a NaN or inf anywhere survives the sum
        return
    bad = ~np.isfinite(array)
    if not bad.any():  # finite numbers whose sum overflows
        return
    place = np.unravel_index(int(bad.argmax()), array.shape)
    where = ", ".join(f"{axis} {int(i)}" for axis, i in zip(("row", "column"), place, strict=False))
    raise ValueError(
        f"{name} has {array[place]} at {where} ({int(bad.sum())} such values in all); "
        "remove or fill these rows first"
    )


def as_features(features: ArrayLike, name: str = "features", *, finite: bool = True) -> FloatArray:
    """`features` as an (n, d) float array with n, d ≥ 1; with `finite`, NaN and inf are refused."""
    X = as_float_array(features, name)
    if X.ndim != 2:
        cure = f"{name}.reshape(-1, 1) makes one column" if X.ndim == 1 else "one row an example is needed"
        raise ValueError(f"{name} must be 2-D (rows, columns), not of shape {X.shape}; {cure}")
    if X.size == 0:
        raise ValueError(f"{name} is empty: shape {X.shape}; at least one row and one column are needed")
    if finite:
        check_finite(X, name)
    return X


def as_labels(labels: ArrayLike, num_rows: int, name: str = "labels", *, finite: bool = True) -> FloatArray:
    """`labels` as an (n,) or (n, k) float array of `num_rows` rows."""
    y = as_float_array(labels, name)
    if y.ndim not in (1, 2) or y.shape[0] != num_rows or y.size == 0:
        raise ValueError(
            f"{name} of shape {y.shape} do not fit features of {num_rows} rows; "
            f"needed is ({num_rows},), or ({num_rows}, k) for k outputs"
        )
    if finite:
        check_finite(y, name)
    return y


def as_data(features: ArrayLike, labels: ArrayLike, *, finite: bool = True) -> tuple[FloatArray, FloatArray]:
    """Features (n, d) and labels (n, k) in one common dtype; labels (n,) become a column.

    float32 stays float32 unless the other array is float64; integers take the other array's dtype.
    """
    X = as_features(features, finite=finite)
    y = as_labels(labels, X.shape[0], finite=finite)
    dtypes = [a.dtype for a, raw in ((X, features), (y, labels)) if _is_float(raw)] or [np.dtype(np.float64)]
    dtype = np.result_type(*dtypes)
    return X.astype(dtype, copy=False), y.reshape(len(y), -1).astype(dtype, copy=False)


def _is_float(values: ArrayLike) -> bool:
    dtype = getattr(values, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind == "f"


def as_count(value: Any, name: str, minimum: int) -> int:
    """`value` as an int of at least `minimum`; floats and booleans are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {number}")
    return number


def as_batch_size(value: Any) -> int:
    """A batch size: an int of at least 1."""
    return as_count(value, "batch_size", 1)


def as_nonnegative(value: Any, name: str) -> float:
    """`value` as a finite float that is not negative."""
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be finite and not negative, not {number!r}")
    return number
