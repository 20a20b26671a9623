"""What people bring, as arrays of floats with the names of their columns.

Taken is everything that holds real numbers: arrays, also structured and masked ones, lists, frames and
columns of pandas, polars and Arrow, zarr and HDF5 arrays.  No library is imported for it.  All else is
refused with an error that names what came in, where, and a line of code that mends it (`errors.py`).
"""

import math
import numbers
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from npreg.arrays.errors import DUMMIES, AnyArray, cure_of, removal

FloatArray: TypeAlias = NDArray[np.floating[Any]]
Names: TypeAlias = tuple[str, ...] | None  # of columns


class Table(NamedTuple):
    """An array of float32 or float64, and what came along with it."""

    array: FloatArray
    names: Names = None
    is_float: bool = True  # integers and lists leave the choice of a dtype to the other array


def as_float_array(values: ArrayLike, name: str) -> FloatArray:
    """`values` as a float32 or float64 array; TypeError where they are no numbers, ValueError where masked."""
    return as_table(values, name).array


def as_array(values: ArrayLike, name: str) -> AnyArray:
    """`values` as an array of any dtype, for functions that look at shapes first: arrays cost nothing."""
    return values if type(values) is np.ndarray and values.dtype.names is None else as_float_array(values, name)


def as_table(values: Any, name: str) -> Table:
    """`values` as an array of floats, and its columns' names; see `as_float_array`."""
    if type(values) is np.ndarray and values.dtype.kind in "biuf":
        return Table(_as_floats(values), is_float=values.dtype.kind == "f")
    _refuse_what_has_to_be_fetched(values, name)
    if (columns := _columns(values)) is not None:
        kinds = {dtype.kind if isinstance(dtype, np.dtype) else "O" for dtype in getattr(values, "dtypes", ["O"])}
        plain = kinds <= {"i", "u", "f"} or kinds == {"b"}  # comes out as one array, often without a copy
        array = np.asarray(values) if plain else _side_by_side(columns, values, name)
        labels = [label for label, _ in columns]
        names = None if labels == list(range(len(labels))) else tuple(map(str, labels))  # None: only counted
        return Table(_as_floats(array), names, array.dtype.kind == "f")
    try:
        array = _as_array(values)
    except ValueError:
        raise TypeError(f"{name} is no rectangular array of numbers: its rows are of different lengths") from None
    except Exception as error:
        raise TypeError(f"{name} cannot be read as an array: {error}") from None
    if array.dtype.names and array.ndim == 1:  # such as a table of an HDF5 file
        return as_table(array, name)
    decided = hasattr(values, "to_numpy") or isinstance(getattr(values, "dtype", None), np.dtype)
    array = _as_numbers(array, name, values)
    return Table(_as_floats(array), is_float=decided and array.dtype.kind == "f")


def _refuse_what_has_to_be_fetched(values: Any, name: str) -> None:
    masked = sys.modules.get("numpy.ma")  # loaded by whoever made a masked array
    if masked is not None and isinstance(values, masked.MaskedArray):
        mask = masked.getmaskarray(values)
        if any(mask[field].any() for field in mask.dtype.names or [...]):
            raise ValueError(f"{name} has masked entries; {removal(values, name)}")
    what = ""
    if hasattr(values, "__dask_graph__"):
        what = f"collection of Dask; npreg.dask has the functions for it, or fetch it with {name} = {name}.compute()"
    elif hasattr(values, "collect_schema") and hasattr(values, "collect"):
        what = f"lazy frame; fetch it with {name} = {name}.collect()"
    elif hasattr(values, "toarray") and hasattr(values, "nnz"):
        what = f"sparse matrix; make it an array with {name} = {name}.toarray()"
    if what:
        raise TypeError(f"{name} is a {what}")


def is_table(values: Any) -> bool:
    """Whether it is more than a plain array: a frame, a column of one, an array with fields or a mask."""
    if isinstance(values, np.ndarray):
        return type(values) not in (np.ndarray, np.memmap) or values.dtype.names is not None
    return any(hasattr(values, name) for name in ("to_numpy", "column_names", "__dask_graph__"))


def _columns(values: Any) -> list[tuple[Any, Any]] | None:
    """The labels and columns of a table, None of what is no table."""
    if isinstance(values, np.ndarray):
        fields = values.dtype.names if values.ndim == 1 else None
        return None if fields is None else [(field, values[field]) for field in fields]
    if hasattr(values, "iloc"):
        return [(label, values.iloc[:, j]) for j, label in enumerate(values.columns)] if values.ndim == 2 else None
    if hasattr(values, "get_columns"):
        return list(zip(values.columns, values.get_columns(), strict=True))
    return list(zip(values.column_names, values.columns, strict=True)) if hasattr(values, "column_names") else None


def _side_by_side(columns: Sequence[tuple[Any, Any]], values: Any, name: str) -> AnyArray:
    for label, column in columns:
        if str(getattr(column, "dtype", "")) == "category":  # numbers as well: they are names of categories
            raise TypeError(f"{name} column {label!r} holds categories; {DUMMIES.format(name=name, column=label)}")
    arrays = [_as_numbers(_as_array(column), name, values, label) for label, column in columns]
    if any(array.ndim != 1 for array in arrays):
        raise TypeError(f"{name} has columns that are tables themselves; numbers are needed")
    return np.stack(arrays, axis=1) if arrays else np.empty((len(values), 0))


def _as_array(column: Any) -> AnyArray:
    """A column as NumPy has it; what is missing among numbers becomes NaN."""
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    kind = getattr(dtype, "kind", "O")
    if not isinstance(dtype, np.dtype) and kind in ("b", "i", "u", "f"):  # pandas' own dtypes
        wanted = np.float32 if str(dtype).lower().startswith(("float32", "float[")) else np.float64
        return np.asarray(column.to_numpy(dtype=wanted, na_value=np.nan))
    if not isinstance(dtype, np.dtype) and kind == "M":  # with a time zone, which makes objects
        return np.asarray(column, "datetime64[ns]")
    array = np.asarray(column)
    is_bool = array.dtype.kind == "O" and str(dtype).lower().startswith("bool")
    return array.astype(np.float64) if is_bool else array


def _as_numbers(array: AnyArray, name: str, values: Any, column: Any = None) -> AnyArray:
    """The array if it holds real numbers, else TypeError with the cure."""
    kind = array.dtype.kind
    if kind in "biuf":
        return array
    if array.ndim == 0:
        raise TypeError(f"{name} must be an array of numbers, not {type(array.item()).__name__}")
    what = f"has dtype {array.dtype}"
    if kind == "c":
        what = f"is complex ({array.dtype})"
    elif kind in "SUT":
        what = f"holds text (dtype {array.dtype})"
    elif kind == "O":
        wrong = ((i, value) for i, value in enumerate(array.flat) if not isinstance(value, (numbers.Real, np.bool_)))
        what += next((f", with {value!r:.40} at {_place(i, array.shape)}" for i, value in wrong), "")
    cure = "numbers (float32 or float64) are needed" if kind == "V" else cure_of(array, name, values, column)
    raise TypeError(f"{name if column is None else f'{name} column {column!r}'} {what}; {cure}")


def _as_floats(array: AnyArray) -> FloatArray:
    if array.dtype == np.float32 or array.dtype == np.float64:
        array = np.asarray(array)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    return np.asarray(array, np.float64)


def column_name(names: Names, column: int) -> str:
    """How a column is called in an error's text: `'age'`, or `3`."""
    return str(column) if names is None else repr(names[column])


def _place(flat: int, shape: tuple[int, ...], names: Names = None) -> str:
    """Where the flat index points to: `row 3, column 1`, or with names `column 'age', row 3`."""
    index = [int(i) for i in np.unravel_index(flat, shape)]
    if len(index) > 2:
        return f"index {tuple(index)}"
    if names is not None and len(index) == 2:
        return f"column {names[index[1]]!r}, row {index[0]}"
    return ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), index, strict=False))


def check_finite(
    array: FloatArray, name: str, cure: str | Callable[[], str] = "remove or fill these rows first", names: Names = None
) -> None:
    """Raise ValueError with the first row and column where `array` is NaN or infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(array, axis=None)
    if math.isfinite(total):  # one cheap pass: a NaN or inf anywhere survives the sum
        return
    bad = ~np.isfinite(array)
    if not bad.any():  # finite numbers whose sum overflows
        return
    cure = cure() if callable(cure) else cure
    if array.ndim == 0:
        raise ValueError(f"{name} is {array}; {cure}")
    flat, count = int(bad.argmax()), int(bad.sum())
    where = f"at {_place(flat, array.shape, names)}, counted from 0"
    raise ValueError(f"{name} has {array.flat[flat]} {where} ({count} such value{'s' * (count > 1)} in all); {cure}")
