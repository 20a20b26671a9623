"""The door: every array and number that enters npreg is looked at here, once.

Accepted are float32 and float64 arrays, and whatever `np.asarray` turns into real numbers: lists,
pandas objects, integer and boolean arrays (converted to floats).  Everything else is refused with an
error that names what came in and what to do about it.
"""

from __future__ import annotations

import math
import numbers
import operator
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Kind: TypeAlias = "tuple[int, int, np.dtype[Any]]"  # features, outputs, dtype

__all__ = [
    "Data",
    "DivergenceError",
    "FloatArray",
    "Kind",
    "as_array",
    "as_batch_size",
    "as_choice",
    "as_count",
    "as_data",
    "as_features",
    "as_flag",
    "as_float_array",
    "as_labels",
    "as_nonnegative",
    "as_number",
    "as_rng",
    "check_finite",
]


class Data(NamedTuple):
    """Features (n, d), labels (n, k), and weights (n,) or None."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray | None = None

    @property
    def kind(self) -> Kind:
        return self.X.shape[1], self.y.shape[1], self.X.dtype

    def head(self, num_rows: int) -> Data:
        """A copy of the first rows."""
        weights = None if self.weights is None else self.weights[:num_rows].copy()
        return Data(self.X[:num_rows].copy(), self.y[:num_rows].copy(), weights)

    def check_kind(self, i: int | str, kind: Kind) -> None:
        """ValueError where block i, which this is, is not like block 0."""
        if self.kind != kind:
            raise ValueError(
                f"block {i} has {self.kind[0]} features, {self.kind[1]} outputs and dtype {self.kind[2]}; "
                f"block 0 has {kind[0]}, {kind[1]} and {kind[2]}"
            )


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

    Raises TypeError for complex, object, text and date arrays, and for anything ragged; ValueError where
    entries are masked.
    """
    masked = sys.modules.get("numpy.ma")  # loaded by whoever made a masked array
    if masked is not None and masked.is_masked(values):
        raise ValueError(f"{name} has masked entries; remove or fill these rows first, with {name}.filled")
    try:
        array = np.asarray(values)
    except ValueError:
        raise TypeError(
            f"{name} is no rectangular array of numbers: its rows are of different lengths"
        ) from None
    if array.dtype == np.float32 or array.dtype == np.float64:
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex ({array.dtype}); take its real part, {name}.real")
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array of numbers, not {type(array.item()).__name__}")
    if array.dtype.kind == "O":
        raise TypeError(f"{name} has dtype object{_first_non_number(array)}; {_convert(name)}")
    if array.dtype.kind in "SU":
        raise TypeError(f"{name} holds text (dtype {array.dtype}); {_convert(name)}")
    if array.dtype.kind in "mM":
        raise TypeError(
            f"{name} has dtype {array.dtype}; make numbers of times, for example as multiples of "
            'np.timedelta64(1, "D") since a first day'
        )
    raise TypeError(f"{name} has dtype {array.dtype}; numbers (float32 or float64) are needed")


def as_array(values: ArrayLike, name: str) -> np.ndarray[Any, Any]:
    """`values` as an array of any dtype, for functions that look at shapes first: arrays cost nothing."""
    return values if type(values) is np.ndarray else as_float_array(values, name)


def _convert(name: str) -> str:
    return f"convert it to numbers first, for example with np.asarray({name}, dtype=float)"


def _first_non_number(array: np.ndarray[Any, Any]) -> str:
    for flat, value in enumerate(array.flat):
        if not isinstance(value, (numbers.Real, np.bool_)):
            return f", with {value!r:.40} at {_place(flat, array.shape)}"
    return ""


def _place(flat: int, shape: tuple[int, ...]) -> str:
    index = [int(i) for i in np.unravel_index(flat, shape)]
    if len(index) > 2:
        return f"index {tuple(index)}"
    return ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), index, strict=False))


def check_finite(array: FloatArray, name: str, cure: str = "remove or fill these rows first") -> None:
    """Raise ValueError with the first row and column where `array` is NaN or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(array, axis=None)
    if math.isfinite(total):  # one cheap pass: a NaN or inf anywhere survives the sum
        return
    bad = ~np.isfinite(array)
    if not bad.any():  # finite numbers whose sum overflows
        return
    if array.ndim == 0:
        raise ValueError(f"{name} is {array}; {cure}")
    flat, count = int(bad.argmax()), int(bad.sum())
    raise ValueError(
        f"{name} has {array.flat[flat]} at {_place(flat, array.shape)}, "
        f"counted from 0 ({count} such value{'s' if count > 1 else ''} in all); {cure}"
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


def as_labels(labels: ArrayLike, X: FloatArray, name: str = "labels", *, finite: bool = True) -> FloatArray:
    """`labels` as an (n,) or (n, k) float array, for features X (n, d)."""
    y, n = as_float_array(labels, name), len(X)
    if y.ndim not in (1, 2) or y.shape[0] != n or y.size == 0:
        cure = f"; {name}.reshape(-1) makes it so" if y.size == n else ""
        raise ValueError(
            f"{name} of shape {y.shape} do not fit features of shape {X.shape}; "
            f"needed is ({n},), or ({n}, k) for k outputs{cure}"
        )
    if finite:
        check_finite(y, name)
    return y


def as_data(features: ArrayLike, labels: ArrayLike, *, finite: bool = True) -> tuple[FloatArray, FloatArray]:
    """Features (n, d) and labels (n, k) in one common dtype; labels (n,) become a column.

    float32 stays float32 unless the other array is float64; integers take the other array's dtype.
    """
    X = as_features(features, finite=finite)
    y = as_labels(labels, X, finite=finite)
    dtypes = [a.dtype for a, raw in ((X, features), (y, labels)) if _is_float(raw)] or [np.dtype(np.float64)]
    dtype = np.result_type(*dtypes)
    return _cast(X, dtype, "features", finite), _cast(y.reshape(len(y), -1), dtype, "labels", finite)


def _cast(array: FloatArray, dtype: np.dtype[Any], name: str, finite: bool) -> FloatArray:
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    if finite:
        check_finite(result, name, f"some are beyond the range of {dtype}; rescale them, or give float64")
    return result


def _is_float(values: ArrayLike) -> bool:
    dtype = getattr(values, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind == "f"


def brief(value: Any) -> str:
    """`value` in an error's text: of a large array its shape, not its numbers.

    >>> brief("10"), brief(np.zeros((1000, 2)))
    ("'10'", 'an array of shape (1000, 2)')
    """
    if isinstance(value, np.ndarray) and value.size > 5:
        return f"an array of shape {value.shape}"
    shown = repr(value)
    return shown if len(shown) <= 200 else shown[:197] + "..."


def as_count(value: Any, name: str, minimum: int) -> int:
    """`value` as an int of at least `minimum`; floats and booleans are refused."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, not {brief(value)}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {brief(value)}") from None
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, not {number}")
    return number


def as_batch_size(value: Any) -> int:
    """A batch size: an int of at least 1, and of a size that can divide a float."""
    batch_size = as_count(value, "batch_size", 1)
    if batch_size > sys.float_info.max:
        raise ValueError(f"batch_size must be at most {sys.float_info.max:.3g}")
    return batch_size


def as_flag(value: Any, name: str) -> bool:
    """`value` as a bool; 0 and 1 will do."""
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, (int, np.integer)) and value in (0, 1)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, not {brief(value)}")


def as_choice(value: Any, name: str, choices: Sequence[str | None]) -> Any:
    """`value`, one of the choices."""
    if not (value is None or isinstance(value, str)) or value not in choices:
        *names, last = ("None" if choice is None else f'"{choice}"' for choice in choices)
        raise ValueError(f"{name} must be {', '.join(names)} or {last}, not {value!r}")
    return value


def as_number(value: Any, name: str) -> float:
    """`value` as a float; text and booleans are refused."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or (isinstance(value, np.ndarray) and value.ndim):
        raise TypeError(f"{name} must be a number, not {brief(value)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {brief(value)}") from None
    except OverflowError:
        raise ValueError(f"{name} is beyond the range of floats") from None


def as_nonnegative(value: Any, name: str) -> float:
    """`value` as a finite float that is not negative."""
    number = as_number(value, name)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be finite and not negative, not {number!r}")
    return number


def as_rng(rng: Any) -> np.random.Generator:
    """`np.random.default_rng(rng)`, with an error that names `rng`."""
    if isinstance(rng, np.ndarray):
        rng = np.asarray(rng)  # NumPy 2.4 looks for whole numbers in an np.matrix until the stack is full
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            "rng must be None, a whole number that is not negative, or a np.random.Generator, "
            f"not {brief(rng)}"
        ) from None
