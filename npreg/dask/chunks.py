"""From Dask's collections to chunks of rows, each with a graph of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npreg.arrays import as_count, as_float_array
from npreg.dask.tasks import rows_of, together

__all__ = ["Chunks", "Column", "as_columns"]

Count = Callable[[list[Any]], list[int]]


@dataclass
class Column:
    """Features, labels or weights in parts: delayed objects, or an array that is here.

    `rows` holds the numbers of rows of the parts, where they are known without looking.
    """

    name: str
    parts: list[Any]
    rows: list[int] | None = None

    def cut(self, rows: list[int], count: Count) -> list[Any]:
        """One part for each of these numbers of rows."""
        if self.rows == rows or (self.rows is None and len(self.parts) == len(rows)):
            return self.parts
        own = count(self.parts) if self.rows is None else self.rows
        if sum(own) != sum(rows):
            raise ValueError(f"{self.name} of {sum(own)} rows do not fit features of {sum(rows)} rows")
        ends, own_ends = np.cumsum(rows), np.cumsum(own)
        found = []
        for end, size in zip(ends, rows, strict=True):
            pieces = []
            for part, own_end, own_size in zip(self.parts, own_ends, own, strict=True):
                start = own_end - own_size
                first, last = max(end - size, start) - start, min(end, own_end) - start
                if first < last:
                    pieces.append(_piece(part, int(first), int(last), int(own_size)))
            found.append(pieces[0] if len(pieces) == 1 else _join(pieces))
        return found


def _piece(part: Any, first: int, last: int, size: int) -> Any:
    if first == 0 and last == size:
        return part
    if not _is_delayed(part):
        return rows_of(part, first, last)
    from dask.delayed import delayed

    return delayed(rows_of)(part, first, last)


def _join(parts: Sequence[Any]) -> Any:
    """Neighbouring parts put together to one, by whichever worker computes it."""
    from dask.delayed import delayed

    return delayed(together, traverse=False)(*parts)


@dataclass
class Chunks:
    """Chunks of rows: what to compute of each, (features, labels) or (features, labels, sample_weight)."""

    parts: list[tuple[Any, ...]]
    rows: list[int]

    @classmethod
    def of(cls, columns: Sequence[Column], rows: Sequence[int] | None, count: Count) -> Chunks:
        """Columns cut as the features are; `rows` are those of their parts, else counted where not known.

        Chunks without rows, as a filter may leave them, are left out.
        """
        features = columns[0]
        found = features.rows
        if rows is not None:
            found = [as_count(number, "rows", 0) for number in rows]
            if len(found) != len(features.parts):
                raise ValueError(f"rows has {len(found)} numbers for {len(features.parts)} chunks")
        elif found is None:
            found = count(features.parts)
        features.rows = found
        parts = list(zip(*(column.cut(found, count) for column in columns), strict=True))
        full = [j for j, number in enumerate(found) if number]
        if not full:
            raise ValueError("features are empty: no chunk has a row")
        return cls([parts[j] for j in full], [found[j] for j in full])

    def grouped(self, size: int) -> Chunks:
        """So many neighbouring chunks as one."""
        if size == 1:
            return self
        groups = [slice(i, i + size) for i in range(0, len(self.parts), size)]
        parts = [tuple(_join(column) for column in zip(*self.parts[some], strict=True)) for some in groups]
        return Chunks(parts, [sum(self.rows[some]) for some in groups])


def as_columns(features: Any, labels: Any = None, sample_weight: Any = None) -> list[Column]:
    """The columns of dask.array or dask.dataframe collections, or of lists of delayed objects.

    TypeError for anything else.
    """
    named = {"features": features, "labels": labels, "sample_weight": sample_weight}
    blocks = isinstance(features, (list, tuple)) and bool(features) and all(map(_is_delayed, features))
    if not blocks and not _is_collection(features):
        raise TypeError(
            "features must be a dask.array, a dask.dataframe or a list of delayed row blocks, not "
            f"{type(features).__name__}; dask.array.from_array(features, chunks=(rows, -1)) makes an array "
            "into chunks of rows"
        )
    if labels is None and not blocks:
        raise TypeError("labels are missing; only lists of delayed (features, labels) bring their own")
    if labels is None and sample_weight is not None:
        raise TypeError("blocks that bring their own labels bring their own sample_weight")
    if getattr(features, "ndim", 2) != 2:
        raise ValueError(
            f"features must be 2-D (rows, columns), not of shape {features.shape}; "
            "features.reshape(-1, 1) makes one column"
        )
    return [_column(name, values) for name, values in named.items() if values is not None]


def _is_delayed(value: Any) -> bool:
    from dask.delayed import Delayed

    return isinstance(value, Delayed)


def _is_collection(value: Any) -> bool:
    return hasattr(value, "to_delayed") and (hasattr(value, "chunks") or hasattr(value, "npartitions"))


def _column(name: str, values: Any) -> Column:
    import dask

    if isinstance(values, (list, tuple)) and values and all(map(_is_delayed, values)):
        return Column(name, _own_graphs(values))
    if not _is_collection(values):
        if not hasattr(values, "shape"):
            values = as_float_array(values, name)
        return Column(name, [values], [len(values)])
    if not hasattr(values, "chunks"):  # a frame
        # Tuned, it would read several files as one partition, and how many depends on the columns.
        with dask.config.set({"optimization.tune.active": False}):
            return Column(name, _own_graphs(values.to_delayed()))
    if values.ndim == 0:
        raise ValueError(f"{name} of shape {values.shape} must have rows")
    wholes = dict.fromkeys(range(1, values.ndim), -1)
    parts = (values.rechunk(wholes) if wholes else values).to_delayed().ravel()
    known = not np.isnan(values.shape[0])
    return Column(name, _own_graphs(parts), [int(rows) for rows in values.chunks[0]] if known else None)


def _own_graphs(parts: Sequence[Any]) -> list[Any]:
    """The same delayed objects, each with the tasks it needs and no others.

    The chunks of a collection share one graph of all; going through it for each of many chunks, in every
    epoch, would take longer than the epoch.
    """
    from dask.delayed import Delayed
    from dask.optimization import cull

    flat: dict[int, tuple[Any, dict[Any, Any]]] = {}  # with the graphs themselves, lest an id is used again
    owned = []
    for part in parts:
        graph = part.__dask_graph__()
        if id(graph) not in flat:
            flat[id(graph)] = graph, dict(graph)
        try:
            owned.append(Delayed(part.key, cull(flat[id(graph)][1], [part.key])[0]))
        except KeyError:  # persisted: what it needs is on the cluster, and its graph is short
            owned.append(part)
    return owned
