"""Features and labels, looked at together: shapes, dtypes, finite numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays.tables import FloatArray, as_float_array, check_finite

__all__ = ["Data", "Kind", "Rows", "as_data", "as_features", "as_labels"]

Kind: TypeAlias = "tuple[int, int, np.dtype[Any]]"  # features, outputs, dtype


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


class Rows:
    """Rows in several parts, here or elsewhere: what row blocks and feeds have in common."""

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The sum of function(data, *arguments) over all parts, each as `Data`, in a fixed tree."""
        raise NotImplementedError


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
