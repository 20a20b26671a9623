"""Row blocks on a cluster, as a feed: the same run as over blocks on this machine.

A block is one chunk of the data, or several neighbouring ones.  What `npreg.runs.blocks` says of the order
of rows holds here as well, so which rows form which minibatch depends on the chunks and `rng` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from npreg.arrays import Data, FloatArray
from npreg.dask.actors import Actors
from npreg.dask.chunks import Chunks
from npreg.dask.cluster import Cluster, Job
from npreg.dask.tasks import (
    BlockMoments,
    Minibatches,
    Place,
    add,
    block_moments,
    first_rows,
    number_of_rows,
    of_chunk,
    whole_chunk,
)
from npreg.engines.moments import MomentsEngine
from npreg.loop import Engine, Order, Path, PlainLoop
from npreg.runs.blocks import BlockShuffle, RowBlocks, TreeSum, tree_sum
from npreg.runs.feeds import MOMENT_COLUMNS, SAMPLE_ROWS, BlockFeed, Pause
from npreg.runs.mean_loss import LossMoments

__all__ = ["ClusterFeed"]

RESULT_BYTES = 256_000_000  # of moments that may wait on the workers for their turn


class ClusterFeed(BlockFeed):
    """Blocks that stay on their workers.

    With a `MomentsEngine`, workers reduce their rows to the moments of minibatches, and the engine
    replays these here.  With a `PlainLoop`, every step asks the workers for gradients.
    """

    actors: Actors | None
    places: list[Place]

    def __init__(self, cluster: Cluster, chunks: Chunks, chunks_per_block: int = 1) -> None:
        self.cluster, self.actors = cluster, None
        if chunks.rows is None:
            chunks.rows = self.count_rows(chunks)
        self.chunks = chunks.without_empty()
        self.make_blocks(chunks_per_block)
        super().__init__(self.blocks)

    def make_blocks(self, chunks_per_block: int) -> None:
        """Make blocks of that many neighbouring chunks each."""
        sizes, several = self.chunks.rows, chunks_per_block > 1
        assert sizes is not None
        rows: list[int] = []
        self.per_block, self.places = chunks_per_block, []
        for first in range(0, len(sizes), chunks_per_block):
            own = sizes[first : first + chunks_per_block]
            for k, size in enumerate(own):
                name = f"{len(rows)}, chunk {first + k}" if several else f"{first}"
                self.places.append(Place(name, size, sum(own[:k]), sum(own), self.chunks.labelled))
            rows.append(sum(own))
        self.blocks = RowBlocks(self.fetch, rows)

    def count_rows(self, chunks: Chunks) -> list[int]:
        """One pass over the data, where their rows are not known."""

        def job(j: int) -> Job:
            submit = partial(self.cluster.submit, "rows", number_of_rows, *chunks.parts[j])
            return Job(f"chunk {j}", submit)

        return list(self.cluster.in_order(map(job, range(len(chunks))), self.ahead()))

    def ahead(self, bytes_each: float = 0.0) -> int:
        """How many results may be on their way."""
        threads = self.cluster.num_threads
        return int(max(threads, min(8 * threads, RESULT_BYTES / (bytes_each + 1))))

    def job(self, j: int, task: str, function: Callable[..., Any], *arguments: Any) -> Job:
        """function(*arguments, *what was computed for chunk j)."""
        submit = partial(self.cluster.submit, task, function, *arguments, *self.chunks.parts[j])
        return Job(f"block {self.places[j].name}", submit)

    def first_rows(self) -> Data:
        sample: Data = self.cluster.result(self.job(0, "first-rows", first_rows, self.places[0], SAMPLE_ROWS))
        return sample

    def chunks_of(self, i: int) -> range:
        return range(i * self.per_block, min((i + 1) * self.per_block, len(self.chunks)))

    def fetch(self, i: int) -> tuple[FloatArray, ...]:
        """All rows of block i, brought here."""
        jobs = (self.job(j, "fetch", whole_chunk, self.places[j], self.kind) for j in self.chunks_of(i))
        columns = zip(*self.cluster.in_order(jobs, self.per_block), strict=True)
        return tuple(np.concatenate(column) for column in columns if column[0] is not None)

    def total(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The sum of function(data, *arguments) over all chunks: on the workers, in a fixed tree."""
        if self.actors is not None:
            return tree_sum(self.actors.apply(function, *arguments))
        name = getattr(function, "__self__", function).__name__.strip("_").replace("_", "-")
        jobs = [
            self.job(j, name, of_chunk, function, arguments, place, self.kind, self.scaling)
            for j, place in enumerate(self.places)
        ]
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

    def epochs(
        self,
        engine: Engine,
        theta: FloatArray,
        count: int,
        path: Path | None,
        position: int = 0,
        pause: Pause | None = None,
    ) -> list[FloatArray]:
        shuffle = BlockShuffle.draw(self.rng, len(self.blocks))
        if not position:
            self.start_of_epoch, self.sums = theta.copy(), TreeSum()
        left = [int(i) for i in shuffle.blocks[position:]]
        if isinstance(engine, MomentsEngine):
            blocks = self.replay(engine, theta, shuffle, left, path)
        elif isinstance(engine, PlainLoop):
            blocks = self.step_together(engine, theta, shuffle, left, path)
        else:
            raise TypeError(f'on a cluster the engine is "moments" or "loop", not {engine.name!r}')
        with closing(blocks):
            for done, loss in enumerate(blocks, start=position + 1):
                if loss is not None:
                    self.sums.add(loss)
                if pause is not None and done < len(self.blocks):
                    pause.at(done)
        self.moments = self.sums.total
        return [theta.copy()]

    def replay(
        self,
        engine: MomentsEngine,
        theta: FloatArray,
        shuffle: BlockShuffle,
        left: list[int],
        path: Path | None,
    ) -> Generator[LossMoments | None, None, None]:
        """One parallel pass: the workers reduce rows to moments, the engine replays these in order."""
        batch_size = engine.rows.nominal
        around = self.start_of_epoch if self.width <= MOMENT_COLUMNS else None
        reduced = self.reduced(shuffle, left, batch_size, engine.scale, around, totals=engine.needs_totals)
        with closing(reduced):
            for i, found in zip(left, reduced, strict=True):
                rows = partial(self.rows_in_order, i, shuffle)
                engine.run_moments(theta, found.steps, min(batch_size, self.blocks.rows[i]), rows, path)
                yield found.loss

    def reduced(
        self,
        shuffle: BlockShuffle,
        left: list[int],
        batch_size: int,
        scale: float,
        around: FloatArray | None,
        *,
        totals: bool,
    ) -> Generator[BlockMoments, None, None]:
        """The moments of these blocks' minibatches, and of the loss `around` parameters, in order."""

        def job(i: int) -> Job:
            minibatches = Minibatches(int(shuffle.seeds[i]), batch_size)
            options = self.kind, self.scaling, minibatches, scale, around, totals
            jobs = [
                self.job(j, "moments", block_moments, self.places[j], *options) for j in self.chunks_of(i)
            ]
            return self.tree(f"block {i}", jobs)

        p, steps = self.width + 1, self.steps_per_epoch(batch_size) / len(self.blocks)
        ahead = self.ahead(8 * steps * p * (p + self.num_outputs))
        return self.cluster.in_order(map(job, left), ahead)

    def rows_in_order(self, i: int, shuffle: BlockShuffle) -> tuple[Data, Order]:
        """For the loop, which takes over where composed maps cannot be trusted."""
        return self.read(i), shuffle.rows(i, self.blocks.rows[i])

    def step_together(
        self,
        engine: PlainLoop,
        theta: FloatArray,
        shuffle: BlockShuffle,
        left: list[int],
        path: Path | None,
    ) -> Generator[LossMoments | None, None, None]:
        """Synchronous steps: parameters out, gradients of a minibatch's parts back, their sum in a tree."""
        stepper, batch_size = engine.stepper, engine.batch_size
        if self.actors is None:
            self.actors = Actors(self, engine.loss)
        w, b = theta[:-1], theta[-1]
        for i in left:
            chunks, moments = self.chunks_of(i), None
            if self.width <= MOMENT_COLUMNS:
                parts = self.actors.apply(LossMoments.of, self.start_of_epoch, chunks=chunks)
                moments = tree_sum(parts)
            minibatches = Minibatches(int(shuffle.seeds[i]), batch_size)
            for step in range(-(-self.blocks.rows[i] // batch_size)):
                gradient = tree_sum(self.actors.gradients(chunks, minibatches, step, theta))
                stepper.step((w, b), (gradient.w, gradient.b), gradient.total)
                if path is not None:
                    path.append(theta[None].copy())
            yield moments

    def fingerprint(self) -> str:
        cuts = f" in chunks of {self.chunks.rows}" if self.per_block > 1 else ""
        return super().fingerprint() + cuts

    def close(self) -> None:
        if self.actors is not None:
            self.actors.release()
            self.actors = None
