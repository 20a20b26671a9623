"""From Dask's collections to chunks of rows, each with a graph of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
from dask.delayed import Delayed, delayed
from dask.optimization import cull

from npreg.arrays import as_count, as_float_array


@dataclass
class Column:
    """Features, labels or weights in parts, delayed or here, and how many rows these have, if that is known."""

    name: str
    parts: list[Any]
    rows: list[int] | None = None

    def cut(self, rows: list[int], count: Callable[[list[Any]], list[int]]) -> list[Any]:
        """One part for each of these numbers of rows."""
        if self.rows == rows or (self.rows is None and len(self.parts) == len(rows)):
            return self.parts
        own = count(self.parts) if self.rows is None else self.rows
        if sum(own) != sum(rows):
            raise ValueError(f"{self.name} of {sum(own)} rows do not fit features of {sum(rows)} rows")
        found = []
        for end, size in zip(np.cumsum(rows), rows, strict=True):
            pieces = []
            for part, own_end, own_size in zip(self.parts, np.cumsum(own), own, strict=True):
                start = own_end - own_size
                first, last = int(max(end - size, start) - start), int(min(end, own_end) - start)
                if first == 0 and last == own_size:
                    pieces.append(part)
                elif first < last:
                    some = delayed(rows_of) if isinstance(part, Delayed) else rows_of
                    pieces.append(some(part, first, last))
            found.append(_joined(pieces))
        return found


def as_chunks(
    columns: Sequence[Column], rows: Sequence[int] | None, count: Callable[[list[Any]], list[int]], per_chunk: int = 1
) -> tuple[list[tuple[Any, ...]], list[int]]:
    """What to compute of each chunk, and its rows; a chunk is `per_chunk` parts of the features that have rows."""
    features = columns[0]
    found = features.rows
    if rows is not None:
        found = [as_count(number, "rows", 0) for number in rows]
        if len(found) != len(features.parts):
            raise ValueError(f"rows has {len(found)} numbers for {len(features.parts)} chunks")
    elif found is None:
        found = count(features.parts)
    features.rows = found
    cut = zip(found, *(column.cut(found, count) for column in columns), strict=True)
    full = [some for some in cut if some[0]]
    if not full:
        raise ValueError("features are empty: no chunk has a row")
    groups = [tuple(zip(*full[i : i + per_chunk], strict=True)) for i in range(0, len(full), per_chunk)]
    return [tuple(map(_joined, parts)) for _, *parts in groups], [sum(numbers) for numbers, *_ in groups]


def _joined(parts: Sequence[Any]) -> Any:
    """Neighbouring parts put together to one, by whichever worker computes it."""
    return parts[0] if len(parts) == 1 else delayed(together, traverse=False)(*parts)


def together(*chunks: Any) -> Any:
    """Neighbouring chunks of rows as one, of arrays or of tuples (features, labels, …)."""
    if isinstance(chunks[0], (tuple, list)):
        return tuple(together(*column) for column in zip(*chunks, strict=True))
    return np.concatenate([np.asarray(chunk) for chunk in chunks])


def rows_of(part: Any, first: int, last: int) -> Any:
    return getattr(part, "iloc", part)[first:last]


def number_of_rows(found: Any) -> int:
    """Rows of features, or of a block (features, labels)."""
    return len(found[0]) if isinstance(found, (tuple, list)) else len(found)


def as_columns(features: Any, labels: Any = None, sample_weight: Any = None) -> list[Column]:
    """The columns of dask.array or dask.dataframe collections, or of lists of delayed objects; else TypeError."""
    named = {"features": features, "labels": labels, "sample_weight": sample_weight}
    blocks = _is_list_of_delayed(features)
    if not blocks and not _is_collection(features):
        kinds = "a dask.array, a dask.dataframe or a list of delayed row blocks"
        cure = "dask.array.from_array(features, chunks=(rows, -1)) makes an array into chunks of rows"
        raise TypeError(f"features must be {kinds}, not {type(features).__name__}; {cure}")
    if labels is None and not blocks:
        raise TypeError("labels are missing; only lists of delayed (features, labels) bring their own")
    if labels is None and sample_weight is not None:
        raise TypeError("blocks that bring their own labels bring their own sample_weight")
    if getattr(features, "ndim", 2) != 2:
        cure = "features.reshape(-1, 1) makes one column"
        raise ValueError(f"features must be 2-D (rows, columns), not of shape {features.shape}; {cure}")
    return [_column(name, values) for name, values in named.items() if values is not None]


def _is_list_of_delayed(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and bool(values) and all(isinstance(value, Delayed) for value in values)


def _is_collection(value: Any) -> bool:
    return hasattr(value, "to_delayed") and (hasattr(value, "chunks") or hasattr(value, "npartitions"))


def _column(name: str, values: Any) -> Column:
    if _is_list_of_delayed(values):
        return Column(name, _own_graphs(values))
    if not _is_collection(values):
        values = values if hasattr(values, "shape") else as_float_array(values, name)
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
    """Each with the tasks it needs alone: going through the graph of all in every epoch would take too long."""
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
