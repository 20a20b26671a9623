"""Single arguments, looked at: counts, numbers, flags, choices, and where randomness comes from."""

import math
import operator
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np


def brief(value: Any) -> str:
    """`value` in an error's text: of a large array its shape, not its numbers."""
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
    except OverflowError:
        raise ValueError(f"{name} is beyond the range of floats") from None
    except Exception:  # whatever somebody's __float__ raises
        raise TypeError(f"{name} must be a number, not {brief(value)}") from None


def as_nonnegative(value: Any, name: str) -> float:
    """`value` as a finite float that is not negative."""
    number = as_number(value, name)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be finite and not negative, not {number!r}")
    return number


def as_rng(rng: Any, name: str = "rng") -> "np.random.Generator":
    """`np.random.default_rng(rng)`, with an error that names it."""
    if isinstance(rng, np.ndarray):
        rng = np.asarray(rng)  # NumPy 2.4 looks for whole numbers in an np.matrix until the stack is full
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        needed = "None, a whole number that is not negative, or a np.random.Generator"
        raise type(error)(f"{name} must be {needed}, not {brief(rng)}") from None
