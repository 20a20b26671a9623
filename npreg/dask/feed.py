"""Row blocks on a cluster, as a feed: the same run as over blocks on this machine."""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from npreg.arrays import Data, FloatArray, Kind, as_count
from npreg.dask.chunks import as_chunks, as_columns, number_of_rows
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
        super().__init__(RowBlocks(self.fetch, sizes))

    def count_rows(self, parts: list[Any]) -> list[int]:
        """One pass over the data, where their rows are not known."""
        submit = partial(self.cluster.submit, "rows", number_of_rows)
        return list(self.cluster.in_order(Job(f"chunk {j}", partial(submit, part)) for j, part in enumerate(parts)))

    def job(self, i: int, task: str, place: Place | None, function: Callable[..., Any], *arguments: Any) -> Job:
        """function(data, *arguments) of block i, looked at as a `place` says, or on the feed's scale."""
        place = place or self.places[i]._replace(kind=self.kind, scaling=self.scaling)
        return Job(f"block {i}", partial(self.cluster.submit, task, place.apply, function, arguments, *self.parts[i]))

    def first_rows(self) -> Data:
        sample: Data = self.cluster.result(self.job(0, "first-rows", self.places[0], Data.head, SAMPLE_ROWS))
        return sample

    def fetch(self, i: int) -> tuple[FloatArray, ...]:
        """All rows of block i, brought here as they are."""
        place = self.places[i]._replace(kind=self.kind)
        data: Data = self.cluster.result(self.job(i, "fetch", place, Data.rows, slice(None)))
        return tuple(part for part in data if part is not None)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """On the workers, in a fixed tree, as `TreeSum` adds."""
        name = getattr(function, "__self__", function).__name__.strip("_").replace("_", "-").lower()
        jobs = [self.job(i, name, None, function, *arguments) for i in range(len(self.places))]
        if len(jobs) == 1:
            return self.cluster.result(jobs[0])
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
        jobs = (self.job(i, engine.name, None, visited, reduction, seed, around) for i, seed in order)
        with closing(self.cluster.in_order(jobs)) as results:
            for (i, seed), (reduced, loss) in zip(order, results, strict=True):
                engine.advance(theta, reduced, partial(self.ordered, i, seed), path)
                yield loss

    def ordered(self, i: int, seed: int) -> OrderedRows:
        """The rows themselves: a loop takes over where moments cannot be trusted."""
        data = self.read(i)
        return data, row_order(seed, len(data.X))
