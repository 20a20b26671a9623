"""Features, labels and weights, looked at together: shapes, dtypes, and whether their rows fit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from npreg.arrays.errors import removal
from npreg.arrays.sparse import as_sparse, is_sparse
from npreg.arrays.tables import FloatArray, Names, Table, as_float_array, as_table, check_finite

Kind: TypeAlias = tuple[int, int, np.dtype[Any], Names]  # features, outputs, dtype, columns


@dataclass(frozen=True, eq=False)
class Data:
    """Features (n, d), labels (n, k), and weights (n,) or None; `names` of the features, if they have any."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray | None = None
    names: Names = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y, self.weights))

    @property
    def kind(self) -> Kind:
        return self.X.shape[1], self.y.shape[1], self.X.dtype, self.names

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """As that of `Rows`, of which these are all."""
        return function(self, *arguments)

    def rows(self, rows: slice | np.ndarray[Any, Any]) -> "Data":
        return Data(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows], self.names)

    def head(self, num_rows: int) -> "Data":
        """A copy of the first rows."""
        return self.rows(np.arange(min(num_rows, len(self.X))))

    def check_kind(self, i: int | str, kind: Kind) -> None:
        """ValueError where block i, which this is, is not like block 0."""
        if self.kind[:3] != kind[:3]:
            first = f"block 0 has {kind[0]}, {kind[1]} and {kind[2]}"
            d, k, dtype, _ = self.kind
            raise ValueError(f"block {i} has {d} features, {k} outputs and dtype {dtype}; {first}")
        if None not in (self.names, kind[3]) and self.names != kind[3]:
            columns = f"block {i} has columns {_listed(self.names)}; block 0 has {_listed(kind[3])}"
            raise ValueError(f"{columns}; read the same columns in every block, in the same order")


class Rows:
    """Rows in several parts, here or elsewhere: what row blocks and feeds have in common."""

    total: Callable[..., Any]  # the sum of function(data, *arguments) over all parts, each as `Data`, in a fixed tree


def as_features(features: ArrayLike, name: str = "features", *, labels: Any = None, sparse: bool = False) -> Table:
    """`features` as a float array (n, d), or with `sparse` as `SparseRows`; NaN and inf are refused."""
    matrix = as_sparse(features, name) if sparse else None
    if matrix is not None:
        return Table(matrix)
    table = as_table(features, name)
    X = table.array
    if X.ndim != 2:
        cure = "one row an example is needed"
        if X.ndim == 1:
            reshaped = f"{name}.reshape(-1, 1)" if hasattr(features, "reshape") else f"np.reshape({name}, (-1, 1))"
            cure = f"{name}.to_frame()" if hasattr(features, "to_frame") else reshaped
            cure += " makes one column"
            if np.ndim(labels) == 2 and np.shape(labels)[0] == len(X) and np.shape(labels)[1] > 1:
                cure += "; or are features and labels exchanged?  features come first"
        raise ValueError(f"{name} must be 2-D (rows, columns), not of shape {X.shape}; {cure}")
    if X.size == 0:
        raise ValueError(f"{name} is empty: shape {X.shape}; at least one row and one column are needed")
    check_finite(X, name, lambda: removal(features, name), table.names)
    return table


def as_pair(features: ArrayLike, labels: ArrayLike, *, sparse: bool = False) -> tuple[Table, Table]:
    """Features (n, d), and labels (n,) or (n, k), each as it came in."""
    table, found = as_features(features, labels=labels, sparse=sparse), as_table(labels, "labels")
    X, y = table.array, found.array
    n = len(X)
    if y.ndim not in (1, 2) or y.shape[0] != n or y.size == 0:
        cure = f"needed is ({n},), or ({n}, k) for k outputs"
        if y.size == n:
            cure += f"; {'labels.reshape(-1)' if type(labels) is np.ndarray else 'np.ravel(labels)'} makes it so"
        elif y.ndim in (1, 2) and y.shape[0] == X.shape[1]:
            cure += "; are features transposed?  features.T has one row an example"
        raise ValueError(f"labels of shape {y.shape} do not fit features of shape {X.shape}; {cure}")
    check_rows(features, labels, "labels")
    check_finite(y, "labels", lambda: removal(labels, "labels"), found.names)
    return table, found


def check_rows(features: Any, values: Any, name: str) -> None:
    """ValueError where two objects of pandas have different indexes: other rows, or another order."""
    index: Any = getattr(features, "index", None)
    other: Any = getattr(values, "index", None)
    if not (hasattr(index, "equals") and hasattr(other, "equals")) or len(index) != len(other) or index.equals(other):
        return
    row = int(np.argmax(np.asarray(index != other)))
    cure = f"if row i belongs to row i all the same, {name} = {name}.to_numpy() drops the index"
    if index.is_unique and other.is_unique and set(index) == set(other):
        cure = f"put them in order with {name} = {name}.loc[features.index]"
    where = f"{other[row]!r:.40} in row {row} instead of {index[row]!r:.40}"
    raise ValueError(f"{name} have another index than features, {where}; {cure}")


def as_weights(sample_weight: ArrayLike | None, num_rows: int, features: Any = None) -> FloatArray | None:
    """Sample weights as (n,) float64; refused where negative, not finite, all zero, or not those of the features."""
    if sample_weight is None:
        return None
    weights = as_float_array(sample_weight, "sample_weight")
    if weights.shape != (num_rows,):
        fit = f"does not fit features of {num_rows} rows; needed is ({num_rows},)"
        raise ValueError(f"sample_weight of shape {weights.shape} {fit}")
    check_rows(features, sample_weight, "sample_weight")
    check_finite(weights, "sample_weight")
    if weights.min() < 0:
        raise ValueError(f"sample_weight has {weights.min():g} in row {int(weights.argmin())}; none may be negative")
    if not weights.any():
        raise ValueError("sample_weight is zero in every row; at least one must be positive")
    weights = weights.astype(np.float64)
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        cure = "give sample_weight / sample_weight.max(), only ratios matter"
        raise ValueError(f"sample_weight reaches {weights.max():.3g}, and its sum overflows; {cure}")
    return weights


def as_data(
    features: ArrayLike, labels: ArrayLike, sample_weight: Any = None, *, like: Data | None = None, sparse: bool = False
) -> Data:
    """Features (n, d) and labels (n, k) in one dtype, and weights; columns in the order of those of `like`.

    float32 stays float32 unless the other array is float64; integers and lists take the other's dtype.
    """
    X, y = as_pair(features, labels, sparse=sparse)
    if like is not None:
        X = _in_order(X, like.names, like.X.shape[1])
    weights = as_weights(sample_weight, len(X.array), features)
    dtype = np.result_type(*([t.array.dtype for t in (X, y) if t.is_float] or [np.dtype(np.float64)]))
    columns = Table(y.array.reshape(len(y.array), -1), y.names)
    return Data(cast(X, dtype, "features"), cast(columns, dtype, "labels"), weights, X.names)


def cast(table: Table, dtype: np.dtype[Any], name: str) -> Any:
    if table.array.dtype == dtype:
        return table.array
    with np.errstate(over="ignore"):
        result: Any = table.array.astype(dtype)
    cure = f"some are beyond the range of {dtype}; rescale them, or give float64"
    check_finite(result.values if is_sparse(result) else result, name, cure, table.names)
    return result


def as_rows_of(names: Names, num_columns: int, features: ArrayLike) -> Any:
    """Features to predict from, a frame's columns in the order of `names`; ValueError for others, and other shapes."""
    X: Any = as_sparse(features, "features")
    X = _in_order(as_table(features, "features"), names, num_columns).array if X is None else X
    if X.shape[1:] != (num_columns,):
        cure = f"; one row is np.reshape(features, (1, {num_columns}))" if X.shape == (num_columns,) else ""
        raise ValueError(f"features of shape {X.shape} do not fit; needed is (n, {num_columns}){cure}")
    return X


def _in_order(table: Table, names: Names, num_columns: int) -> Table:
    found = table.names
    learned = names or tuple(map(str, range(num_columns)))
    if found is None or found == learned:
        return table
    if sorted(found) == sorted({*learned}):
        return table._replace(array=table.array[:, [found.index(name) for name in learned]], names=names)
    if names is None:
        return table
    if missing := tuple(name for name in learned if name not in found):
        lacking, there = _listed(missing), _listed(found)
        raise ValueError(f"features lack columns {lacking}, which were learned from; there are {there}")
    cure = "features[list(result.feature_names)] takes them alone"
    raise ValueError(f"features have columns {_listed(found)}; those learned from are {_listed(learned)}: {cure}")


def _listed(names: Names) -> str:
    shown = ", ".join(map(repr, (names or ())[:6]))
    return shown if len(names or ()) <= 6 else f"{shown} and {len(names or ()) - 6} more"
