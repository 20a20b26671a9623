"""Row blocks on a cluster, as a feed: Dask's collections in chunks of rows, each with a graph of its own."""

import operator
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import dask
import numpy as np
from dask.delayed import Delayed, delayed
from dask.optimization import cull

from npreg.arrays import Data, FloatArray, Kind, as_count, as_float_array
from npreg.dask.cluster import Cluster, Job
from npreg.loop import Engine, OrderedRows, Path, Reduction
from npreg.runs.blocks import RowBlocks, as_block
from npreg.runs.feeds import SAMPLE_ROWS, BlockFeed, BlockOrder, row_order
from npreg.runs.scaling import Scaling
from npreg.runs.sums import LossMoments


class Place(NamedTuple):
    """How a worker looks at a block: its number, what is known of it, and the scale to put its features on."""

    number: int
    num_rows: int
    labelled: bool = True
    kind: Kind | None = None
    scaling: Scaling | None = None

    def apply(self, function: Callable[..., Any], arguments: tuple[Any, ...], *found: Any) -> Any:
        """function(data, *arguments) of what was computed for the block; an error of its data names the block."""
        if not self.labelled:  # a question about features, (features, features[, weights]) or themselves blocks
            X, _, *weights = found
            found = (X,) if isinstance(X, (tuple, list)) else (X, np.zeros(np.shape(X)[:1], int), *weights)
        data = as_block(found[0] if len(found) == 1 else found, self.number, self.num_rows)
        if self.kind is not None:
            data.check_kind(self.number, self.kind)
        return function(data if self.scaling is None else self.scaling.data(data), *arguments)


def visited(data: Data, reduction: Reduction, seed: int, around: FloatArray | None) -> tuple[Any, LossMoments | None]:
    """What an epoch needs of a block: what the engine reads, and the moments of the loss `around` parameters."""
    loss = None if around is None else LossMoments.of(data, around)
    return reduction(data, row_order(seed, len(data.X))), loss


class ClusterFeed(BlockFeed):
    """Blocks that stay on their workers, which reduce them; without labels features stand in for them."""

    def __init__(
        self,
        features: Any,
        labels: Any,
        client: Any,
        rows: Sequence[int] | None,
        sample_weight: Any,
        *,
        chunks_per_block: int = 1,
        labelled: bool = True,
    ) -> None:
        per_block = as_count(chunks_per_block, "chunks_per_block", 1)
        columns = as_columns(features, labels if labelled else features, sample_weight)
        self.cluster = Cluster(client)
        self.parts, sizes = as_chunks(columns, rows, self.count_rows, per_block)
        self.places = [Place(i, count, labelled) for i, count in enumerate(sizes)]
        read: Any = self.read  # which has looked at the rows, on their worker
        super().__init__(RowBlocks(read, sizes))

    def count_rows(self, parts: list[Any]) -> list[int]:
        """One pass over the data, where their rows are not known."""
        submit = partial(self.cluster.submit, "rows", number_of_rows)
        return list(self.cluster.in_order(Job(f"chunk {j}", partial(submit, part)) for j, part in enumerate(parts)))

    def job(self, i: int, task: str, function: Callable[..., Any], *arguments: Any) -> Job:
        """function(data, *arguments) of block i, which is like block 0 once that is known, on the feed's scale."""
        place = self.places[i]._replace(kind=getattr(self, "kind", None), scaling=self.scaling)
        return Job(f"block {i}", partial(self.cluster.submit, task, place.apply, function, arguments, *self.parts[i]))

    def first_rows(self) -> Data:
        sample: Data = self.cluster.result(self.job(0, "first-rows", Data.head, SAMPLE_ROWS))
        return sample

    def read(self, i: int) -> Data:
        """All rows of block i, brought here."""
        data: Data = self.cluster.result(self.job(i, "fetch", Data.rows, slice(None)))
        return data

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """On the workers, in a fixed tree, as `TreeSum` adds."""
        name = getattr(function, "__self__", function).__name__.strip("_").replace("_", "-").lower()
        jobs = [self.job(i, name, function, *arguments) for i in range(len(self.places))]
        parts: list[tuple[Job, Any]] = []

        def submit() -> Any:
            parts[:] = [(job, job.submit()) for job in jobs]
            sums = [future for _, future in parts]
            while len(sums) > 1:
                pairs = range(0, len(sums) - 1, 2)
                last = sums[2 * len(pairs) :]
                sums = [self.cluster.submit("add", operator.add, sums[k], sums[k + 1]) for k in pairs] + last
            return sums[0]

        return self.cluster.result(Job("the sum over all blocks", submit, parts))

    def visit(
        self, engine: Engine, theta: FloatArray, order: BlockOrder, path: Path | None, around: FloatArray | None
    ) -> Generator[LossMoments | None, None, None]:
        """One parallel pass: the workers reduce their rows, the engine takes what they found, in order."""
        reduction = engine.reduction()
        jobs = (self.job(i, engine.name, visited, reduction, seed, around) for i, seed in order)
        with closing(self.cluster.in_order(jobs)) as results:
            for (i, seed), (reduced, loss) in zip(order, results, strict=True):
                engine.advance(theta, reduced, partial(self.ordered, i, seed), path)
                yield loss

    def ordered(self, i: int, seed: int) -> OrderedRows:
        """The rows themselves: a loop takes over where moments cannot be trusted."""
        data = self.read(i)
        return data, row_order(seed, len(data.X))


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
        starts = np.cumsum(own) - own
        found = []
        for end, size in zip(np.cumsum(rows), rows, strict=True):
            firsts, lasts = np.maximum(end - size - starts, 0), np.minimum(end - starts, own)
            spans = zip(self.parts, firsts.tolist(), lasts.tolist(), strict=True)
            found.append(_joined([rows_of(part, first, last) for part, first, last in spans if first < last]))
        return found


def as_chunks(
    columns: Sequence[Column], rows: Sequence[int] | None, count: Callable[[list[Any]], list[int]], per_chunk: int = 1
) -> tuple[list[tuple[Any, ...]], list[int]]:
    """What to compute of each chunk, and its rows; a chunk is `per_chunk` parts of the features that have rows."""
    features = columns[0]
    found = features.rows if rows is None else [as_count(number, "rows", 0) for number in rows]
    found = count(features.parts) if found is None else found
    if len(found) != len(features.parts):
        raise ValueError(f"rows has {len(found)} numbers for {len(features.parts)} chunks")
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
    if isinstance(part, Delayed):
        return delayed(rows_of)(part, first, last)
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
