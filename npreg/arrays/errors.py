"""What is said where something is wrong: cures of columns that are no numbers, warnings, and the end of a run.

Some cures are steps: an Arrow table becomes a frame of pandas, whose error names the next one.
"""

import sys
import warnings
from functools import partial
from typing import Any, TypeAlias

import numpy as np

AnyArray: TypeAlias = np.ndarray[Any, Any]
BETWEEN = {"npreg", "sklearn", "joblib"}  # packages that call npreg for somebody
DUMMIES = (
    "make each category a column of 0 and 1, {name} = pandas.get_dummies({name}, columns=[{column!r}], drop_first=True)"
)
PANDAS = {
    "text": DUMMIES,
    "times": "count days since the first, {target} = ({target} - {target}.min()).dt.days",
    "dates": "make times of it first, {target} = pandas.to_datetime({target})",
    "numbers": "convert it to numbers, {target} = {target}.astype(float)",
    "complex": "take its real part, {target} = np.real({target})",
}
POLARS = {
    "text": "make each category a column of 0 and 1, {name} = {name}.to_dummies([{column!r}], drop_first=True)",
    "times": "convert it to numbers, {name} = {name}.cast({{{column!r}: float}})",
    "numbers": "convert it to numbers, {name} = {name}.cast({{{column!r}: float}})",
}
ARRAYS = {
    "times": "make numbers of times, for example days since the first, "
    '({array} - {array}.min()) / np.timedelta64(1, "D")',
    "dates": 'make times of it first, {name} = np.asarray({name}, "datetime64[D]")',
    "numbers": "convert it to numbers first, for example with np.asarray({name}, dtype=float)",
    "complex": "take its real part, {array}.real",
}


def cure_of(array: AnyArray, name: str, values: Any, column: str | int | None) -> str:
    """The cure for an array that holds no real numbers: a column of the table `values`, or all of it."""
    content, table, rest = _content(array), {}, "numbers are needed"
    if hasattr(values, "iloc"):
        table = PANDAS
        if column is not None:
            rest = "leave it out, {name} = {name}.drop(columns=[{column!r}])"
    elif column is not None and hasattr(values, "get_columns"):
        table, rest = POLARS, "leave it out, {name} = {name}.drop({column!r})"
    elif column is not None:
        frame = "{name}.to_pandas()" if hasattr(values, "to_pandas") else "pandas.DataFrame({name})"
        rest = "make it a frame that can hold such columns first, {name} = " + frame
    elif hasattr(values, "to_numpy"):
        rest = "make it an array first, {name} = {name}.to_numpy()"
    else:
        table = ARRAYS
        if array.ndim > 1:
            rest += "; a frame says which column has none, {name} = pandas.DataFrame({name})"
    if content == "text" and table and column is None and array.ndim == 1:
        some = next(value for value in array.flat if isinstance(value, (str, bytes)))
        some = some.item() if isinstance(some, np.generic) else some
        return f"numbers are needed, for two categories for example {name} = np.asarray({name}) == {some!r}"
    target = name if column is None else f"{name}[{column!r}]"
    as_array = name if hasattr(values, "dtype") else f"np.asarray({name})"
    return table.get(content, rest).format(name=name, target=target, column=column, array=as_array)


def removal(values: Any, name: str) -> str:
    """How to be rid of rows with something missing."""
    several = len(getattr(values, "shape", np.shape(values))) == 2
    floats = f"{name}.to_numpy(float, na_value=np.nan)" if hasattr(values, "iloc") else f"np.asarray({name}, float)"
    keep = f"np.isfinite({floats}){'.all(axis=1)' * several}"
    if isinstance(values, np.ma.MaskedArray):
        keep = f"~np.ma.getmaskarray({name}){'.any(axis=1)' * several}"
    return f"remove or fill these rows first (keep = {keep} tells the others)"


def _content(array: AnyArray) -> str:
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


class DivergenceError(ArithmeticError):
    """The parameters of a run grew beyond all bounds.

    `epoch` (counted from 1) is that at whose end it was found, `lr` the rate of its last step; `w` (d, k) and
    `b` (k,) are the parameters of the last epoch that was in order, `losses` the mean losses up to that.
    """

    def __init__(self, message: str, *, epoch: int, lr: float, w: AnyArray, b: AnyArray, losses: AnyArray) -> None:
        super().__init__(message)
        self.epoch, self.lr, self.w, self.b, self.losses = epoch, lr, w, b, losses

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the message alone, and fail in a process pool.
        return partial(type(self), **vars(self)), self.args


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of whoever called npreg, whatever lies between."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
