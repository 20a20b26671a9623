"""What to do about columns that are no numbers: a line of code for each kind of table and of column.

Some cures are steps: an Arrow table becomes a frame of pandas, whose error names the next one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["cure_of", "dummies", "removal"]

DAY = 'np.timedelta64(1, "D")'


def cure_of(array: np.ndarray[Any, Any], name: str, values: Any, column: str | int | None) -> str:
    """The cure for an array that holds no real numbers: a column of the table `values`, or all of it."""
    content = _content(array)
    if hasattr(values, "iloc"):
        return _for_pandas(content, name, column, array)
    if column is not None and hasattr(values, "get_columns"):
        return _for_polars(content, name, column)
    if column is not None:
        frame = f"{name}.to_pandas()" if hasattr(values, "to_pandas") else f"pandas.DataFrame({name})"
        return f"make it a frame that can hold such columns first, {name} = {frame}"
    if hasattr(values, "to_numpy"):
        return f"make it an array first, {name} = {name}.to_numpy()"
    return _for_arrays(content, name, array, name if hasattr(values, "dtype") else f"np.asarray({name})")


def dummies(name: str, column: str | int) -> str:
    """The cure for categories in a frame of pandas."""
    return (
        "make each category a column of 0 and 1, "
        f"{name} = pandas.get_dummies({name}, columns=[{column!r}], drop_first=True)"
    )


def removal(values: Any, name: str) -> str:
    """How to be rid of rows with something missing."""
    several = len(getattr(values, "shape", np.shape(values))) == 2
    if isinstance(values, np.ma.MaskedArray):
        keep = f"~np.ma.getmaskarray({name}){'.any(axis=1)' * several}"
    else:
        as_floats = f"np.asarray({name}, float)"
        if hasattr(values, "iloc"):
            as_floats = f"{name}.to_numpy(float, na_value=np.nan)"
        keep = f"np.isfinite({as_floats}){'.all(axis=1)' * several}"
    return f"remove or fill these rows first (keep = {keep} tells the others)"


def _content(array: np.ndarray[Any, Any]) -> str:
    """What the array holds: complex, times, numbers (written as text, or as objects), text, dates, other."""
    if array.dtype.kind in "cmM":
        return "complex" if array.dtype.kind == "c" else "times"
    try:
        array.astype(np.float64)
        return "numbers"
    except (TypeError, ValueError):
        if any(isinstance(value, (str, bytes)) for value in array.flat):
            return "text"
    return "dates" if hasattr(array.flat[0], "isoformat") else "other"


def _for_pandas(content: str, name: str, column: str | int | None, array: np.ndarray[Any, Any]) -> str:
    target = name if column is None else f"{name}[{column!r}]"
    if content == "text":
        return _one_category(name, array) if column is None else dummies(name, column)
    if content == "times":
        return f"count days since the first, {target} = ({target} - {target}.min()).dt.days"
    if content == "dates":
        return f"make times of it first, {target} = pandas.to_datetime({target})"
    if content == "numbers":
        return f"convert it to numbers, {target} = {target}.astype(float)"
    if content == "complex":
        return f"take its real part, {target} = np.real({target})"
    return "numbers are needed" if column is None else f"leave it out, {name} = {name}.drop(columns=[{column!r}])"


def _for_polars(content: str, name: str, column: str | int) -> str:
    if content == "text":
        code = f"{name}.to_dummies([{column!r}], drop_first=True)"
        return f"make each category a column of 0 and 1, {name} = {code}"
    if content in ("numbers", "times"):
        return f"convert it to numbers, {name} = {name}.cast({{{column!r}: float}})"
    return f"leave it out, {name} = {name}.drop({column!r})"


def _for_arrays(content: str, name: str, array: np.ndarray[Any, Any], as_array: str) -> str:
    if content == "complex":
        return f"take its real part, {as_array}.real"
    if content == "times":
        first = f"{as_array} - {as_array}.min()"
        return f"make numbers of times, for example days since the first, ({first}) / {DAY}"
    if content == "numbers":
        return f"convert it to numbers first, for example with np.asarray({name}, dtype=float)"
    if content == "dates":
        return f'make times of it first, {name} = np.asarray({name}, "datetime64[D]")'
    if array.ndim == 1:
        return _one_category(name, array) if content == "text" else "numbers are needed"
    code = f"{name} = pandas.DataFrame({name})"
    return f"numbers are needed; a frame says which column has none, {code}"


def _one_category(name: str, array: np.ndarray[Any, Any]) -> str:
    """Text in one column: a number for one of two categories."""
    some = next(value for value in array.flat if isinstance(value, (str, bytes)))
    some = some.item() if isinstance(some, np.generic) else some
    return f"numbers are needed, for two categories for example {name} = np.asarray({name}) == {some!r}"
