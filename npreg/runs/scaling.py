"""Columns of mean 0 and standard deviation 1, and parameters there and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray, Names, column_name
from npreg.arrays.sparse import SparseRows, is_sparse
from npreg.runs.lazy import COPY_BYTES, converted
from npreg.runs.sums import tree_sum

__all__ = ["ColumnMoments", "Scaling"]

PART_BYTES = 5_000_000  # of large features, whose deviations are formed together


@dataclass(frozen=True)
class ColumnMoments:
    """Means of columns, and Σ (x − mean)² around them; those of several blocks of rows add up.

    Source: T. F. Chan, G. H. Golub and R. J. LeVeque, The American Statistician 37 (1983) 242.
    """

    weight: float
    num_rows: int
    mean: FloatArray
    squares: FloatArray
    names: Names = None
    centred: bool = True

    @classmethod
    def of(cls, data: Data) -> ColumnMoments:
        X, _, weights = data
        if is_sparse(X):  # standard deviations alone: centred, every entry would be stored
            return cls.of_sparse(X, weights)
        if X.nbytes > COPY_BYTES:  # the deviations would be a copy
            rows = max(1, PART_BYTES * len(X) // X.nbytes)
            starts = range(0, len(X), rows)
            return tree_sum(cls.of(data.rows(slice(start, start + rows))) for start in starts)
        X = np.asarray(X)
        weight = float(len(X) if weights is None else weights.sum())
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _mean(X, weights)
            squares = weight * _mean((X - mean) ** 2, weights)
        return cls(weight, len(X), mean, squares, data.names)

    @classmethod
    def of_sparse(cls, X: SparseRows, weights: FloatArray | None) -> ColumnMoments:
        values = X.stored[1].astype(np.float64)
        each = np.ones(len(values)) if weights is None else weights.take(X.rows_of_entries())
        weight = float(len(X) if weights is None else weights.sum())
        mean = X.column_sums(each * values) / weight
        deviations = values - mean.take(X.stored[0])
        squares = X.column_sums(each * deviations**2) + (weight - X.column_sums(each)) * mean**2
        return cls(weight, len(X), mean, squares, centred=False)

    def __add__(self, other: ColumnMoments) -> ColumnMoments:
        weight = self.weight + other.weight
        gap, share = other.mean - self.mean, other.weight / weight
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self.squares + other.squares + gap**2 * (self.weight * share)
        mean, num_rows = self.mean + gap * share, self.num_rows + other.num_rows
        return ColumnMoments(weight, num_rows, mean, squares, self.names, self.centred)

    @property
    def mean_weight(self) -> float:
        return self.weight / self.num_rows

    def scaling(self, *, center: bool = True) -> Scaling:
        """The scaling to mean 0 and standard deviation 1; constant columns only lose their mean.

        Where there is no intercept to take up the means, it is to a root mean square of 1, around 0.
        """
        if not np.isfinite(self.squares).all():
            column = column_name(self.names, int(np.isfinite(self.squares).argmin()))
            raise ValueError(
                f"the squares of features column {column} overflow; divide it by its largest number before "
                "standardize=True"
            )
        if not center:
            size = np.sqrt(self.squares / self.weight + self.mean**2)
            return Scaling(np.zeros_like(self.mean), np.where(size > 0, size, 1.0), self.mean_weight)
        sd = np.sqrt(self.squares / self.weight)
        rounding = np.abs(self.mean) * self.num_rows * np.finfo(np.float64).eps
        mean = self.mean if self.centred else 0 * self.mean
        return Scaling(mean, np.where(sd > rounding, sd, 1.0), self.mean_weight)


@dataclass(frozen=True)
class Scaling:
    """Columns on the scale (x − mean) / sd, and parameters there and back.

    x·w + b = Σ (x − mean) / sd · (sd · w)  +  (b + mean·w)
    """

    mean: FloatArray
    sd: FloatArray
    mean_weight: float = 1.0

    def data(self, data: Data) -> Data:
        """Of rows; their weights come to a mean of 1, so that only ratios of weights matter."""
        X: Any = data.X
        X = X.scaled(self.sd) if is_sparse(X) else converted(X, self.features)
        return data._replace(X=X, weights=None if data.weights is None else data.weights / self.mean_weight)

    def features(self, X: FloatArray) -> FloatArray:
        return np.asarray((X - self.mean) / self.sd, X.dtype)

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
            raise ValueError(
                f"parameters for the features as they came in are beyond the range of {theta.dtype}; "
                "rescale features or labels"
            )
        return raw


def _mean(X: FloatArray, weights: FloatArray | None) -> FloatArray:
    if weights is None:
        # A float32 sum of many rows would keep few digits.
        return np.asarray(np.mean(X, axis=0, dtype=np.float64))
    return np.asarray(np.average(X, axis=0, weights=weights), np.float64)
