"""Chunks of rows that stay on their workers, and answer step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from npreg.arrays import FloatArray
from npreg.dask.cluster import POLL, RETRIES, ActorLost, ClusterError, Job
from npreg.dask.tasks import ChunkActor, Gradient, Minibatches
from npreg.losses import Loss

if TYPE_CHECKING:
    from npreg.dask.feed import ClusterFeed

__all__ = ["Actors"]

TOO_OFTEN = (
    f"workers that hold blocks were lost {RETRIES} times in a row; if it is for want of memory, give them "
    'more, or let method="replay" compute the blocks again in each epoch'
)


class Actors:
    """One actor a chunk.  Asking changes nothing in it, so what was lost with a worker is asked again."""

    def __init__(self, feed: ClusterFeed, loss: Loss) -> None:
        self.feed, self.loss = feed, loss
        self.cluster = feed.cluster
        self.futures: list[Any] = [None] * len(feed.chunks)
        self.actors: list[Any] = [None] * len(feed.chunks)
        self.make(range(len(feed.chunks)))

    def make(self, chunks: Iterable[int]) -> None:
        """Make the actors of these chunks, computing their rows (again)."""
        jobs = {j: self.job(j) for j in chunks}
        for _ in range(RETRIES):
            for job in jobs.values():
                job.submit()
            for j, job in list(jobs.items()):
                with suppress(ActorLost):
                    self.actors[j] = self.cluster.result(job, self.futures[j])
                    del jobs[j]
            if not jobs:
                return
        raise ClusterError(TOO_OFTEN)

    def job(self, j: int) -> Job:
        feed = self.feed

        def submit() -> Any:
            arguments = feed.places[j], feed.kind, feed.scaling, self.loss
            parts = feed.chunks.parts[j]
            self.futures[j] = self.cluster.submit_actor("gradients", ChunkActor, arguments, parts)
            return self.futures[j]

        return Job(f"block {feed.places[j].name}", submit)

    def apply(
        self, function: Callable[..., Any], *arguments: Any, chunks: Sequence[int] | None = None
    ) -> list[Any]:
        """function(data, *arguments) of each chunk."""
        chunks = range(len(self.actors)) if chunks is None else chunks
        return self.ask(chunks, "apply", function, *arguments)

    def gradients(
        self, chunks: Sequence[int], minibatches: Minibatches, step: int, theta: FloatArray
    ) -> list[Gradient]:
        """The gradient of each chunk's part of a minibatch."""
        return self.ask(chunks, "gradient", minibatches, step, theta)

    def ask(self, chunks: Sequence[int], method: str, *arguments: Any) -> list[Any]:
        """All answers, in the chunks' order."""
        answers: dict[int, Any] = {}
        for _ in range(RETRIES):
            asked: dict[int, Any] = {}
            for j in chunks:
                if j not in answers and self.is_alive(j):
                    asked[j] = getattr(self.actors[j], method)(*arguments)
            for j, future in asked.items():
                self.wait(j, future, answers)
            lost = [j for j in chunks if j not in answers]
            if not lost:
                return [answers[j] for j in chunks]
            self.cluster.wait_for_scheduler(None)
            self.make(lost)
        raise ClusterError(TOO_OFTEN)

    def is_alive(self, j: int) -> bool:
        return bool(self.futures[j].status == "finished")

    def wait(self, j: int, future: Any, answers: dict[int, Any]) -> None:
        """Put the answer into `answers`, unless the actor is lost."""
        from distributed import TimeoutError as NotYet

        while True:
            try:
                answers[j] = future.result(timeout=POLL)
                return
            except NotYet:
                if not self.is_alive(j):
                    return
            except OSError:  # the worker cannot be reached
                return
            except Exception as error:
                if not self.is_alive(j):
                    return
                raise self.cluster.explain(self.job(j), error) from error

    def release(self) -> None:
        for future in self.futures:
            if future is not None:
                future.release()
        self.actors, self.futures = [], []
