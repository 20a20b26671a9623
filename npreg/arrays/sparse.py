"""Sparse features: the rows of a user's CSR or CSC matrix, of which only the stored entries are kept.

SciPy is the user's: of the matrix nothing is used but `tocsr()`, and the three arrays of a CSR matrix.
"""

from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from npreg.arrays.tables import FloatArray, check_finite

DENSE_BYTES = 50_000_000  # up to which a matrix is made an array, which is faster


class SparseRows:
    """Rows (n, d) in CSR form.  Slices stay sparse; rows that are taken by number are arrays."""

    ndim = 2

    def __init__(self, pointers: NDArray[Any], columns: NDArray[Any], values: FloatArray, num_columns: int) -> None:
        self.pointers, self.columns, self.values = pointers, columns, values
        self.shape, self.dtype = (len(pointers) - 1, num_columns), values.dtype
        self.itemsize, self.nbytes = values.itemsize, values.nbytes + columns.nbytes

    def __len__(self) -> int:
        return self.shape[0]

    def entries(self, rows: NDArray[Any], last: float | None = None) -> tuple[NDArray[Any], NDArray[Any], FloatArray]:
        """Of some rows the ends, columns and values; `last`, if given, is one entry more, in column d."""
        starts, more = self.pointers[rows], last is not None
        counts = self.pointers[rows + 1] - starts + more
        ends = np.cumsum(counts)
        if self.each and len(rows):
            room = np.zeros((len(rows), int(more)))
            tables = [part.reshape(-1, self.each).take(rows, axis=0) for part in self.stored]
            columns, values = (np.hstack([table, room.astype(table.dtype)]).ravel() for table in tables)
        else:
            where = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
            columns, values = self.columns.take(where, mode="clip"), self.values.take(where, mode="clip")
        if last is not None:
            columns[ends - 1], values[ends - 1] = self.shape[1], last
        return ends, columns, values

    @cached_property
    def each(self) -> int:
        """The number of entries of every row, where it is the same, as of codes; else 0."""
        counts = np.diff(self.pointers)
        return int(counts[0]) if len(counts) and (counts == counts[0]).all() else 0

    def rows_of_entries(self) -> NDArray[Any]:
        return np.repeat(np.arange(len(self)), np.diff(self.pointers))

    @property
    def stored(self) -> tuple[NDArray[Any], FloatArray]:
        """Columns and values of these rows."""
        some = slice(int(self.pointers[0]), int(self.pointers[-1]))
        return self.columns[some], self.values[some]

    def __getitem__(self, rows: Any) -> Any:
        if not isinstance(rows, slice):
            return self.take(rows)
        start, stop, step = rows.indices(len(self))
        if step == 1:
            return SparseRows(self.pointers[start : max(start, stop) + 1], self.columns, self.values, self.shape[1])
        return self.subset(np.arange(start, stop, step))

    def take(self, rows: Any, axis: int = 0, out: Any = None, mode: str = "raise") -> FloatArray:
        """As `np.take` along the rows: an array."""
        rows = np.asarray(rows)
        rows = np.clip(rows, 0, len(self) - 1) if mode == "clip" else rows
        ends, columns, values = self.entries(rows)
        found = np.zeros((len(rows), self.shape[1]), self.dtype) if out is None else out
        found[...] = 0
        np.add.at(found, (np.repeat(np.arange(len(rows)), np.diff(ends, prepend=0)), columns), values)
        return found

    def subset(self, rows: NDArray[Any]) -> "SparseRows":
        ends, columns, values = self.entries(rows)
        return SparseRows(np.append(0, ends), columns, values, self.shape[1])

    def dot(self, w: FloatArray) -> FloatArray:
        columns, values = self.stored
        rows = self.rows_of_entries()
        found = [np.bincount(rows, values * one.take(columns), len(self)) for one in w.reshape(len(w), -1).T]
        return np.stack(found, axis=1).astype(np.result_type(self.dtype, w.dtype)).reshape(-1, *w.shape[1:])

    def column_sums(self, values: FloatArray) -> FloatArray:
        """Σ over rows of what belongs to the stored entries, (d,)."""
        return np.asarray(np.bincount(self.stored[0], values, self.shape[1]), np.float64)

    def squares_of_rows(self) -> FloatArray:
        squares = self.stored[1].astype(np.float64) ** 2
        return np.asarray(np.bincount(self.rows_of_entries(), squares, len(self)), np.float64)

    def scaled(self, sd: FloatArray) -> "SparseRows":
        """Every column divided by its sd."""
        columns, values = self.stored
        scaled = (values / sd.take(columns)).astype(self.dtype)
        return SparseRows(self.pointers - self.pointers[0], columns, scaled, self.shape[1])

    def astype(self, dtype: Any, copy: bool = True) -> "SparseRows":
        return SparseRows(self.pointers, self.columns, self.values.astype(dtype, copy=copy), self.shape[1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        return self.take(np.arange(len(self))).astype(dtype or self.dtype, copy=False)


def is_sparse(X: object) -> TypeGuard[SparseRows]:
    return isinstance(X, SparseRows)


def as_sparse(matrix: Any, name: str) -> Any:
    """A sparse matrix as `SparseRows`, small ones as an array; None of what is none."""
    if isinstance(matrix, SparseRows):
        return matrix
    if not (hasattr(matrix, "tocsr") and hasattr(matrix, "nnz")):
        return None
    if matrix.dtype.kind not in "biuf":
        raise TypeError(f"{name} is a sparse matrix of dtype {matrix.dtype}; real numbers are needed")
    csr = matrix.tocsr()
    if not getattr(csr, "has_canonical_format", True):
        csr = csr.copy()
        csr.sum_duplicates()
    values, columns = np.asarray(csr.data), np.asarray(csr.indices)
    values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    check_finite(values, f"the stored entries of {name}")
    n, d = csr.shape
    if not (n and d):
        raise ValueError(f"{name} is empty: shape {csr.shape}; at least one row and one column are needed")
    if not len(columns):  # what is taken from must not be empty
        columns, values = np.zeros(1, columns.dtype), np.zeros(1, values.dtype)
    found = SparseRows(np.asarray(csr.indptr, np.intp), columns, values, d)
    return np.asarray(found) if n * d * values.itemsize <= DENSE_BYTES else found
