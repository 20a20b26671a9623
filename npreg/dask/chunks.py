"""From Dask's collections to chunks of rows, each with a graph of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npreg.arrays import as_count
from npreg.dask.tasks import together

__all__ = ["Chunks", "as_chunks"]


@dataclass
class Chunks:
    """Chunks of rows: what to compute of each, (features, labels) or (features, labels, sample_weight).

    `rows` holds the numbers of rows, where they are known without looking.  Without labels the features
    stand in for them, and nothing that is asked depends on labels.
    """

    parts: list[tuple[Any, ...]]
    rows: list[int] | None
    labelled: bool = True

    def __len__(self) -> int:
        return len(self.parts)

    def without_empty(self) -> Chunks:
        """Partitions may be empty after a filter; minibatches are made of rows."""
        assert self.rows is not None
        full = [j for j, count in enumerate(self.rows) if count]
        if not full:
            raise ValueError("features are empty: no chunk has a row")
        return Chunks([self.parts[j] for j in full], [self.rows[j] for j in full], self.labelled)

    def grouped(self, size: int) -> Chunks:
        """So many neighbouring chunks put together to one, by whichever worker computes it."""
        if size == 1:
            return self
        assert self.rows is not None
        from dask.delayed import delayed

        groups = [slice(i, i + size) for i in range(0, len(self), size)]
        parts = [
            tuple(
                delayed(together, traverse=False)(*column) for column in zip(*self.parts[some], strict=True)
            )
            for some in groups
        ]
        return Chunks(parts, [sum(self.rows[some]) for some in groups], self.labelled)


def as_chunks(
    features: Any,
    labels: Any = None,
    sample_weight: Any = None,
    rows: Sequence[int] | None = None,
    *,
    labelled: bool = True,
) -> Chunks:
    """The chunks of dask.array or dask.dataframe collections, or of lists of delayed objects.

    With `labelled` false there may be no labels.  TypeError for anything else, ValueError where features
    and labels are not cut alike.
    """
    import dask.array as da

    if not labelled:
        labels = features
    if isinstance(features, da.Array):
        chunks = _of_arrays(features, labels, sample_weight)
    elif hasattr(features, "to_delayed") and hasattr(features, "npartitions"):
        chunks = _of_frames(features, labels, sample_weight)
    elif isinstance(features, (list, tuple)) and features and all(map(_is_delayed, features)):
        chunks = _of_delayed(features, labels, sample_weight)
    else:
        raise TypeError(
            "features must be a dask.array, a dask.dataframe or a list of delayed row blocks, not "
            f"{type(features).__name__}; dask.array.from_array(features, chunks=(rows, -1)) makes an array "
            "into chunks of rows"
        )
    chunks.labelled = labelled
    if rows is not None:
        chunks.rows = [as_count(count, "rows", 0) for count in rows]
        if len(chunks.rows) != len(chunks):
            raise ValueError(f"rows has {len(chunks.rows)} numbers for {len(chunks)} chunks")
    return chunks


def _is_delayed(value: Any) -> bool:
    from dask.delayed import Delayed

    return isinstance(value, Delayed)


def _of_arrays(features: Any, labels: Any, sample_weight: Any) -> Chunks:
    if features.ndim != 2:
        raise ValueError(
            f"features must be 2-D (rows, columns), not of shape {features.shape}; "
            "features.reshape(-1, 1) makes one column"
        )
    if labels is None:
        raise TypeError("labels are missing; only lists of delayed (features, labels) bring their own")
    known = not np.isnan(features.shape[0])
    columns = []
    for name, array in (("features", features), ("labels", labels), ("sample_weight", sample_weight)):
        if array is not None:
            columns.append(_row_chunks(name, array, features, known))
    rows = [int(count) for count in features.chunks[0]] if known else None
    return Chunks(list(zip(*columns, strict=True)), rows)


def _row_chunks(name: str, array: Any, features: Any, known: bool) -> list[Any]:
    """One delayed object a chunk, cut along the rows of the features."""
    import dask.array as da

    if hasattr(array, "to_dask_array"):  # a column of a dataframe next to an array
        array = array.to_dask_array(lengths=list(features.chunks[0]) if known else None)
    if not isinstance(array, da.Array):
        array = np.asarray(array)
        if not known:
            raise ValueError(f"{name} must be a dask.array where the chunks of features have unknown sizes")
    if array.ndim == 0 or (known and array.shape[0] != features.shape[0]):
        raise ValueError(f"{name} of shape {array.shape} do not fit features of shape {features.shape}")
    wholes = dict.fromkeys(range(1, array.ndim), -1)
    if not isinstance(array, da.Array):
        array = da.from_array(array, chunks=(features.chunks[0], *array.shape[1:]))
    elif known and not np.isnan(array.shape[0]):
        array = array.rechunk({0: features.chunks[0], **wholes})
    else:
        array = array.rechunk(wholes) if wholes else array
        if array.numblocks[0] != features.numblocks[0]:
            raise ValueError(
                f"{name} in {array.numblocks[0]} chunks and features in {features.numblocks[0]} chunks of "
                "unknown sizes do not fit; compute_chunk_sizes() makes them known"
            )
    return _own_graphs(array.to_delayed().ravel().tolist())


def _of_frames(features: Any, labels: Any, sample_weight: Any) -> Chunks:
    if labels is None:
        raise TypeError("labels are missing; only lists of delayed (features, labels) bring their own")
    columns: list[list[Any]] = []
    for name, frame in (("features", features), ("labels", labels), ("sample_weight", sample_weight)):
        if frame is None:
            continue
        if not hasattr(frame, "to_delayed"):
            raise TypeError(
                f"{name} must come from the same dask.dataframe as features, not be {type(frame)}"
            )
        parts = np.ravel(np.array(frame.to_delayed(), dtype=object)).tolist()
        if columns and len(parts) != len(columns[0]):
            raise ValueError(
                f"{name} in {len(parts)} partitions and features in {len(columns[0])} do not fit"
            )
        columns.append(_own_graphs(parts))
    return Chunks(list(zip(*columns, strict=True)), None)


def _of_delayed(features: Sequence[Any], labels: Any, sample_weight: Any) -> Chunks:
    """Blocks that are (features, labels[, sample_weight]) themselves, or lists of each."""
    columns = [_own_graphs(features)]
    for name, parts in (("labels", labels), ("sample_weight", sample_weight)):
        if parts is None:
            continue
        if not isinstance(parts, (list, tuple)) or not all(map(_is_delayed, parts)):
            raise TypeError(f"{name} must be a list of delayed blocks, as features are, not {type(parts)}")
        if len(parts) != len(features):
            raise ValueError(f"{len(parts)} blocks of {name} and {len(features)} of features do not fit")
        columns.append(_own_graphs(parts))
    if sample_weight is not None and labels is None:
        raise TypeError("blocks that bring their own labels bring their own sample_weight")
    return Chunks(list(zip(*columns, strict=True)), None)


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
