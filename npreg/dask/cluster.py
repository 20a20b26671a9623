"""Work on a cluster that may fail: results in order, and errors that say what happened."""

import time
from asyncio import CancelledError as TaskCancelled
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import uuid4

import distributed
from dask.delayed import delayed

POLL = 2.0  # seconds between looks at whether the cluster is still there
PATIENCE = 50.0  # seconds that a cluster may be without any worker that works
RETRIES = 5  # of work that was lost without its fault
LOST = CancelledError, TaskCancelled, OSError  # what a lost connection ends in, or work with it
MORE_MEMORY = "make smaller blocks, or give workers more"


class ClusterError(RuntimeError):
    """The cluster could not go on; a run with a checkpoint can, with the same bits, on a new one."""


class BlockError(RuntimeError):
    """A block of rows could not be computed; the cause is chained, and `block` is such as "block 3"."""

    def __init__(self, message: str, block: str = "") -> None:
        super().__init__(message)
        self.block = block


class Job(NamedTuple):
    """Work that can be submitted, again if need be; `about` names its block in errors."""

    about: str
    submit: Callable[[], Any]
    parts: "Sequence[tuple[Job, Any]]" = ()  # the jobs and futures that the last submission is made of


class Cluster:
    """A client (the one in use where none is given), and keys by which Dask's dashboard shows a run's tasks."""

    def __init__(self, client: Any) -> None:
        if client is None:
            try:
                client = distributed.get_client()
            except ValueError:
                start = "start one on this machine by client = dask.distributed.Client(), or connect by Client(address)"
                raise ValueError(f"there is no Dask cluster yet; {start}, and pass client=client") from None
        if not isinstance(client, distributed.Client):
            raise TypeError(f"client must be a dask.distributed.Client, not {client!r}")
        if client.asynchronous:
            raise ValueError("client must not be asynchronous; make it by Client(asynchronous=False)")
        self.client, self.token, self.counter = client, uuid4().hex, 0

    def submit(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future of function(*arguments), where arguments may be futures or delayed objects."""
        self.counter += 1
        key = f"npreg-{name}-{self.token}-{self.counter}"  # of which the dashboard shows what is before the token
        call = delayed(function, pure=False, traverse=False)(*arguments, dask_key_name=key)
        return self.client.compute(call, optimize_graph=False)

    def in_order(self, jobs: Iterable[Job]) -> Generator[Any, None, None]:
        """The results of the jobs, one by one, while the next ones, two a thread, are worked on."""
        ahead = 2 * max(1, sum(self.client.nthreads().values()))
        waiting: deque[tuple[Job, Any]] = deque()
        try:
            for job in jobs:
                waiting.append((job, None))
                with suppress(Exception):  # what fails here fails again in `result`, which says why
                    waiting[-1] = job, job.submit()
                if len(waiting) > ahead:
                    yield self.result(*waiting.popleft())
            while waiting:
                yield self.result(*waiting.popleft())
        finally:
            for future in filter(None, (future for _, future in waiting)):
                future.release()

    def result(self, job: Job, future: Any = None) -> Any:
        """A job's result; submitted again where the connection to the scheduler was lost and came back."""
        for _ in range(RETRIES):
            try:
                if future is None:
                    future = job.submit()
                self.wait(job, future)
                return future.result()
            except (ClusterError, BlockError):
                raise
            except (Exception, TaskCancelled) as error:
                lost = isinstance(error, LOST) or self.client.status != "running"
                if not lost or (future is not None and future.status == "error"):
                    raise self.explain(job, error) from error
                while self.client.status == "connecting":
                    time.sleep(0.1)
                if self.client.status != "running":
                    gone = f"the scheduler is gone (the client's connection is {self.client.status})"
                    cure = "start a cluster and call again, with resume where the run has a checkpoint"
                    raise ClusterError(f"{gone}; {cure}") from error
                future = None
        raise ClusterError(f"{job.about} was lost {RETRIES} times in a row")

    def wait(self, job: Job, future: Any) -> None:
        """Until the future is done, as long as there is a worker to do it."""
        idle = 0.0
        while not future.done():
            try:
                distributed.wait(future, timeout=POLL)
            except distributed.TimeoutError:
                workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
                idle = 0.0 if any(worker.get("status") != "paused" for worker in workers) else idle + POLL
                if idle > PATIENCE:
                    paused = f"all {len(workers)} workers have been paused for {PATIENCE:g} seconds, for want of memory"
                    none = f"the cluster has had no worker for {PATIENCE:g} seconds"
                    what = f"{paused}; {MORE_MEMORY}" if workers else none
                    raise ClusterError(f"{what} ({job.about} is not done)") from None

    def explain(self, job: Job, error: BaseException) -> Exception:
        """The error to raise for one that a task ended in."""
        for part, future in job.parts:
            if future.status == "error":
                return self.explain(part, future.exception())
        if isinstance(error, distributed.KilledWorker):
            what = f"{job.about} took down {error.allowed_failures + 1} workers, one after the other"
            return ClusterError(f"{what}; most likely it does not fit in their memory: {MORE_MEMORY}")
        if isinstance(error, (ValueError, TypeError)) and str(error).startswith("block "):
            return type(error)(str(error))
        return BlockError(f"{job.about} could not be computed: {error!r}", job.about)
