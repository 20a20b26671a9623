"""What people bring, as arrays of floats.

Accepted are float32 and float64 arrays, and whatever `np.asarray` turns into real numbers: lists,
pandas objects, integer and boolean arrays (converted to floats).  Everything else is refused with an
error that names what came in and what to do about it.
"""

from __future__ import annotations

import math
import numbers
import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FloatArray", "as_array", "as_float_array", "check_finite"]

FloatArray: TypeAlias = NDArray[np.floating[Any]]


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
