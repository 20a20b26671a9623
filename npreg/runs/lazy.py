"""Features that are too large to be copied: rows of them, on another scale, computed as they are taken."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import FloatArray, warn
from npreg.arrays.sparse import is_sparse

Convert: TypeAlias = Callable[[FloatArray], FloatArray]

COPY_BYTES = 50_000_000  # of features that are copied where that is faster


class LazyRows:
    """What rows of an array are on another scale, as an array that is never there as a whole.

    Slices stay lazy; rows that are taken by number, products, and `np.asarray` are arrays.
    """

    ndim = 2

    def __init__(self, X: Any, convert: Convert | None = None, index: Any = None) -> None:
        self.X, self.convert, self.index = X, convert, index
        self.shape, self.dtype = (len(X) if index is None else len(index), X.shape[1]), X.dtype
        self.itemsize, self.nbytes = X.itemsize, self.shape[0] * X.shape[1] * X.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        if not isinstance(rows, slice):
            return self.take(rows)
        if self.index is None:
            return LazyRows(self.X[rows], self.convert)
        return LazyRows(self.X, self.convert, self.index[rows])

    def take(self, rows: Any, axis: int = 0, out: FloatArray | None = None, mode: str = "raise") -> FloatArray:
        """As `np.take` along the rows."""
        if self.index is not None:
            rows = self.index.take(rows, mode=mode)
        found: FloatArray = self.X.take(rows, axis=0, mode=mode)
        if self.convert is not None:
            found = self.convert(found)
        if out is not None:
            out[...] = found
        return found

    def dot(self, w: FloatArray) -> FloatArray:
        found: FloatArray = np.asarray(self).dot(w)
        return found

    def copy(self) -> FloatArray:
        return np.array(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        found = self.X if self.index is None else self.X[self.index]
        return np.asarray(found if self.convert is None else self.convert(found), dtype)


def some_rows(X: FloatArray, index: NDArray[Any]) -> FloatArray:
    """X[index], copied where it is small."""
    matrix: Any = X
    if is_sparse(matrix):
        return cast(FloatArray, matrix.subset(index))
    small = len(index) * X.shape[1] * X.itemsize <= COPY_BYTES
    return X[index] if small else cast(FloatArray, LazyRows(X, None, index))


def converted(X: FloatArray, convert: Convert) -> FloatArray:
    """convert(X), row by row, copied where it is small."""
    if X.nbytes <= COPY_BYTES:
        return convert(np.asarray(X))
    lazy: Any = X if isinstance(X, LazyRows) else LazyRows(X)  # type: ignore[unreachable]
    return cast(FloatArray, LazyRows(lazy.X, convert, lazy.index))


def announce_size(X: FloatArray) -> None:
    """Warn where features are beyond the memory at hand, which only those of a mapped file can be."""
    memory = memory_at_hand() if X.nbytes > COPY_BYTES else None
    if memory is not None and X.nbytes > memory:
        warn(
            f"features of {X.nbytes / 1e9:.3g} GB are beyond the memory at hand, {memory / 1e9:.3g} GB: "
            "their rows will be read from disk one by one, in random order.  In their place, "
            "npreg.RowBlocks.of(features, labels) reads them in blocks",
            UserWarning,
        )


def memory_at_hand() -> int | None:
    """Bytes that could be had without swapping, as Linux tells, else all of the machine; None if unknown."""
    found = []
    with contextlib.suppress(OSError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()  # of a container
        found += [int(limit)] if limit.isdigit() else []
    if not found and hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)
