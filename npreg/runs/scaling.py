"""Columns of mean 0 and standard deviation 1, and parameters there and back; of large features, as rows are taken."""

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from npreg.arrays import Data, FloatArray, Names, column_name, warn
from npreg.arrays.sparse import SparseRows, is_sparse
from npreg.runs.sums import tree_sum, weight_of

Convert: TypeAlias = Callable[[FloatArray], FloatArray]

PART_BYTES = 5_000_000  # of large features, whose deviations are formed together
COPY_BYTES = 50_000_000  # of features that are copied where that is faster


@dataclass(frozen=True)
class ColumnMoments:
    """Means of columns, Σ (x − mean)² around them, which add up: Chan et al., American Statistician 37 (1983) 242."""

    weight: float
    num_rows: int
    mean: FloatArray
    squares: FloatArray
    names: Names = None
    centred: bool = True

    @classmethod
    def of(cls, data: Data) -> "ColumnMoments":
        X, _, weights = data
        weight = weight_of(data)
        if is_sparse(X):  # standard deviations alone: centred, every entry would be stored
            return cls(weight, len(X), *_of_sparse(X, weights, weight), centred=False)
        rows = max(1, PART_BYTES * len(X) // X.nbytes)
        if X.nbytes > COPY_BYTES and rows < len(X):  # the deviations would be a copy
            return tree_sum(cls.of(data.rows(slice(i, i + rows))) for i in range(0, len(X), rows))
        X = np.asarray(X)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _mean(X, weights)
            deviations = X - mean
            squares = np.square(deviations, out=deviations)
            return cls(weight, len(X), mean, weight * _mean(squares, weights), data.names)

    def __add__(self, other: "ColumnMoments") -> "ColumnMoments":
        weight = self.weight + other.weight
        gap, share = other.mean - self.mean, other.weight / weight
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self.squares + other.squares + gap**2 * (self.weight * share)
        mean, num_rows = self.mean + gap * share, self.num_rows + other.num_rows
        return ColumnMoments(weight, num_rows, mean, squares, self.names, self.centred)

    def scaling(self, *, standardize: bool = True, center: bool = True) -> "Scaling":
        """To mean 0 and standard deviation 1, or without `center` a root mean square of 1; weights always to mean 1."""
        zeros, mean_weight = np.zeros_like(self.mean), self.weight / self.num_rows
        if not standardize:
            return Scaling(zeros, zeros + 1, mean_weight)
        if not np.isfinite(self.squares).all():
            column = column_name(self.names, int(np.isfinite(self.squares).argmin()))
            cure = "divide it by its largest number before standardize=True"
            raise ValueError(f"the squares of features column {column} overflow; {cure}")
        if not center:
            size = np.sqrt(self.squares / self.weight + self.mean**2)
            return Scaling(zeros, np.where(size > 0, size, 1.0), mean_weight)
        sd = np.sqrt(self.squares / self.weight)
        rounding = np.abs(self.mean) * self.num_rows * np.finfo(np.float64).eps
        return Scaling(self.mean if self.centred else zeros, np.where(sd > rounding, sd, 1.0), mean_weight)


def _mean(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    if weights is None:  # in float64: a float32 sum of many rows would keep few digits
        return np.asarray(np.mean(X, axis=0, dtype=np.float64))
    return np.asarray(np.average(X, axis=0, weights=weights), np.float64)


def _of_sparse(X: SparseRows, weights: FloatArray | None, weight: float) -> tuple[FloatArray, FloatArray]:
    values = X.stored[1].astype(np.float64)
    each = np.ones(len(values)) if weights is None else weights.take(X.rows_of_entries())
    mean = X.column_sums(each * values) / weight
    deviations = values - mean.take(X.stored[0])
    return mean, X.column_sums(each * deviations**2) + (weight - X.column_sums(each)) * mean**2


@dataclass(frozen=True)
class Scaling:
    """Columns on the scale (x − mean) / sd, x·w + b = Σ (x − mean) / sd · (sd · w)  +  (b + mean·w)."""

    mean: FloatArray
    sd: FloatArray
    mean_weight: float = 1.0

    def data(self, data: Data) -> Data:
        """Of rows; their weights come to a mean of 1, so that only ratios of weights matter."""
        X: Any = data.X
        X = X.scaled(self.sd) if is_sparse(X) else converted(X, self.features)
        return replace(data, X=X, weights=None if data.weights is None else data.weights / self.mean_weight)

    def features(self, X: FloatArray) -> FloatArray:
        scaled = X - self.mean
        scaled /= self.sd
        return np.asarray(scaled, X.dtype)

    def enter(self, theta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = theta * np.append(self.sd, 1.0)[:, None]
            scaled[-1] += self.mean @ theta[:-1]
            return np.asarray(scaled, theta.dtype)

    def leave(self, theta: FloatArray) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):
            raw = theta / np.append(self.sd, 1.0)[:, None]
            raw[..., -1, :] -= np.einsum("j,...jk->...k", self.mean, raw[..., :-1, :])
            raw = np.asarray(raw, theta.dtype)
        if not np.isfinite(raw).all():
            why = f"are beyond the range of {theta.dtype}; rescale features or labels"
            raise ValueError(f"parameters for the features as they came in {why}")
        return raw


class LazyRows:
    """What rows of an array are on another scale, never there as a whole: slices are lazy, all else is arrays."""

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
        own = self.index is None
        return LazyRows(self.X[rows] if own else self.X, self.convert, None if own else self.index[rows])

    def take(self, rows: Any, axis: int = 0, out: FloatArray | None = None, mode: str = "raise") -> FloatArray:
        rows = rows if self.index is None else self.index.take(rows, mode=mode)
        found: FloatArray = self.X.take(rows, axis=0, mode=mode)
        found = found if self.convert is None else self.convert(found)
        if out is not None:
            out[...] = found
        return found

    def dot(self, w: FloatArray) -> FloatArray:
        return np.asarray(np.asarray(self).dot(w))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        found = self.X if self.index is None else self.X[self.index]
        return np.asarray(found if self.convert is None else self.convert(np.asarray(found)), dtype)


def some_rows(X: Any, index: NDArray[Any]) -> Any:
    if is_sparse(X):
        return X.subset(index)
    return X[index] if len(index) * X.shape[1] * X.itemsize <= COPY_BYTES else LazyRows(X, None, index)


def converted(X: Any, convert: Convert) -> Any:
    """convert(X), row by row, copied where it is small."""
    return convert(np.asarray(X)) if X.nbytes <= COPY_BYTES else LazyRows(X, convert)


def announce_size(X: FloatArray) -> None:
    """Warn where features are beyond the memory at hand, which only those of a mapped file can be."""
    memory = memory_at_hand() if X.nbytes > COPY_BYTES else None
    if memory is not None and X.nbytes > memory:
        sizes = f"features of {X.nbytes / 1e9:.3g} GB are beyond the memory at hand, {memory / 1e9:.3g} GB"
        cure = "In their place, npreg.RowBlocks.of(features, labels) reads them in blocks"
        warn(f"{sizes}: their rows will be read from disk one by one, in random order.  {cure}", UserWarning)


def memory_at_hand() -> int | None:
    """Bytes that could be had without swapping, as Linux tells, else all of the machine; None if unknown."""
    found = []
    with contextlib.suppress(OSError):
        found += [1024 * int(kB) for kB in re.findall(r"MemAvailable:\s*(\d+)", Path("/proc/meminfo").read_text())]
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()  # of a container
        found += [int(limit)] if limit.isdigit() else []
    if not found and hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=None)
