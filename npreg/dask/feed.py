"""Row blocks on a cluster, as a feed: the same run as over blocks on this machine.

A block is one chunk of the data, or several neighbouring ones.  What `npreg.runs.visit` says of the order
of rows holds here as well, so which rows form which minibatch depends on the chunks and `rng` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from npreg.arrays import Data, FloatArray, as_count
from npreg.dask.chunks import Chunks, Column, as_columns
from npreg.dask.cluster import Cluster, Job
from npreg.dask.tasks import Place, Visited, add, as_it_is, number_of_rows, ordered, visited
from npreg.loop import Engine, OrderedRows, Path
from npreg.runs.blocks import RowBlocks
from npreg.runs.feeds import SAMPLE_ROWS, BlockFeed
from npreg.runs.sums import LossMoments
from npreg.runs.visit import Visit

__all__ = ["ClusterFeed", "cluster_feed"]


def cluster_feed(
    features: Any,
    labels: Any = None,
    *,
    client: Any = None,
    sample_weight: Any = None,
    rows: Sequence[int] | None = None,
    chunks_per_block: int = 1,
    labelled: bool = True,
) -> ClusterFeed:
    """Dask's collections, or lists of delayed blocks, as a feed (see `npreg.dask.train`)."""
    per_block = as_count(chunks_per_block, "chunks_per_block", 1)
    columns = as_columns(features, labels if labelled else features, sample_weight)
    return ClusterFeed(Cluster(client), columns, rows, per_block, labelled=labelled)


class ClusterFeed(BlockFeed):
    """Blocks that stay on their workers, which reduce them to what an engine needs.

    Without labels (`labelled` false) the features stand in for them; nothing that is asked depends on them.
    """

    def __init__(
        self,
        cluster: Cluster,
        columns: Sequence[Column],
        rows: Sequence[int] | None,
        chunks_per_block: int,
        *,
        labelled: bool,
    ) -> None:
        self.cluster = cluster
        self.chunks = Chunks.of(columns, rows, self.count_rows).grouped(chunks_per_block)
        self.places = [Place(i, count, labelled) for i, count in enumerate(self.chunks.rows)]
        super().__init__(RowBlocks(self.fetch, self.chunks.rows))

    def count_rows(self, parts: list[Any]) -> list[int]:
        """One pass over the data, where their rows are not known."""

        def job(j: int) -> Job:
            return Job(f"chunk {j}", partial(self.cluster.submit, "rows", number_of_rows, parts[j]))

        return list(self.cluster.in_order(map(job, range(len(parts)))))

    def job(self, i: int, task: str, place: Place, function: Callable[..., Any], *arguments: Any) -> Job:
        """function(data, *arguments) of block i."""
        submit = partial(self.cluster.submit, task, place.apply, function, arguments, *self.chunks.parts[i])
        return Job(f"block {i}", submit)

    def known(self, i: int) -> Place:
        return self.places[i].knowing(self.kind, self.scaling)

    def first_rows(self) -> Data:
        sample: Data = self.cluster.result(self.job(0, "first-rows", self.places[0], Data.head, SAMPLE_ROWS))
        return sample

    def fetch(self, i: int) -> tuple[FloatArray, ...]:
        """All rows of block i, brought here."""
        data: Data = self.cluster.result(self.job(i, "fetch", self.places[i].knowing(self.kind), as_it_is))
        return tuple(part for part in data if part is not None)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """On the workers, in a fixed tree."""
        name = getattr(function, "__self__", function).__name__.strip("_").replace("_", "-").lower()
        count = len(self.places)
        jobs = [self.job(i, name, self.known(i), function, *arguments) for i in range(count)]
        return self.cluster.result(self.tree("the sum over all blocks", jobs))

    def tree(self, about: str, jobs: list[Job]) -> Job:
        """One job: the sum of others, on the workers, as `TreeSum` adds."""
        if len(jobs) == 1:
            return jobs[0]
        parts: list[tuple[Job, Any]] = []

        def submit() -> Any:
            parts[:] = [(job, job.submit()) for job in jobs]
            sums = [future for _, future in parts]
            while len(sums) > 1:
                pairs = range(0, len(sums) - 1, 2)
                last = sums[2 * len(pairs) :]
                sums = [self.cluster.submit("add", add, sums[k], sums[k + 1]) for k in pairs] + last
            return sums[0]

        return Job(about, submit, parts)

    def visit(
        self, engine: Engine, theta: FloatArray, visit: Visit, path: Path | None, around: FloatArray | None
    ) -> Generator[LossMoments | None, None, None]:
        """One parallel pass: the workers reduce their rows, the engine takes what they found, in order."""
        left = visit.left

        def job(block: tuple[int, int]) -> Job:
            i, seed = block
            return self.job(i, engine.name, self.known(i), visited, engine.reduction(), seed, around)

        found: Visited
        with closing(self.cluster.in_order(map(job, left))) as results:
            for (i, seed), found in zip(left, results, strict=True):
                engine.advance(theta, found.reduced, partial(self.ordered, i, seed), path)
                yield found.loss

    def ordered(self, i: int, seed: int) -> OrderedRows:
        """The rows themselves: a loop takes over where moments cannot be trusted."""
        return ordered(self.read(i), seed)
