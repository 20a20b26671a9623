"""`npreg.train` on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from npreg.arrays import as_batch_size, as_count
from npreg.dask.chunks import as_chunks
from npreg.dask.cluster import Cluster
from npreg.dask.feed import ClusterFeed
from npreg.engines.moments import is_affine
from npreg.losses import as_loss
from npreg.sgd import as_rule
from npreg.train import TrainResult
from npreg.train import train as train_on

__all__ = ["train"]

ENGINES = {"replay": "moments", "sync": "loop"}
SPREAD = 4  # chunks a minibatch is spread over, where steps are synchronous
ROWS_PER_FEATURE = 4  # minibatches this much longer than wide have moments well smaller than their rows


def train(
    features: Any,
    labels: Any = None,
    *,
    client: Any = None,
    method: str = "auto",
    chunks_per_block: int | None = None,
    rows: Sequence[int] | None = None,
    sample_weight: Any = None,
    batch_size: int = 10,
    validation: Any = None,
    **arguments: Any,
) -> TrainResult:
    """Fit a linear model by minibatch SGD on a Dask cluster; `npreg.train` on the same blocks of rows.

    Every block is one chunk of the data (or several neighbouring ones), and `npreg.RowBlocks` says how
    its rows form minibatches.  So the run depends on the chunks and `rng` alone, and has the same bits
    on any number of workers, also where some are lost on the way.

        replay   workers reduce the rows of each minibatch to moments, once an epoch; the steps are
                 replayed here.  The bits of npreg.train(blocks, engine="moments").
        sync     each step sends the parameters to the workers and adds up the gradients that come back.
                 The bits of npreg.train(blocks, engine="loop"), if a block is one chunk.

    Parameters
    ----------
    features : dask.array (n, d), dask.dataframe, or list of delayed blocks
        A delayed block is (r, d) features, or (features, labels) or (features, labels, sample_weight).
        Chunks that are not persisted are computed again in each epoch, and then let go.
    labels : dask.array (n,) or (n, k), dask.dataframe or series, list of delayed labels, or array
    client : dask.distributed.Client, optional
        Without it, the one in use.
    method : "auto", "replay" or "sync"
        "auto" replays where the loss is squared, steps are affine (no L1), and minibatches have at least
        four times as many rows as features + 1.
    chunks_per_block : int, optional
        How many neighbouring chunks make a block, over which the rows of a minibatch are spread.
        Without it 1 for replay, and 4 for sync, where as many workers can be busy at a time.
    rows : sequence of int, optional
        The rows of each chunk, where Dask does not know them; spares the pass that counts them.
    sample_weight : like labels, optional
    batch_size, validation, and all other arguments
        As `npreg.train`, but engine and block_rows.

    Returns
    -------
    TrainResult
        Its `engine` is "moments" after a replay, and "loop" after synchronous steps.

    Raises
    ------
    ValueError, TypeError, DivergenceError
        As `npreg.train`; what is wrong with data names its block.
    BlockError
        Where a block cannot be computed.
    ClusterError
        Where the scheduler is gone, no worker is left, or a block takes down one worker after another.
    """
    if method not in ("auto", *ENGINES):
        raise ValueError(f'method must be "auto", "replay" or "sync", not {method!r}')
    for name in ("engine", "block_rows"):
        if name in arguments:
            raise TypeError(f"{name} is for one machine; here say method, and cut the data into chunks")
    batch_size = as_batch_size(batch_size)
    if chunks_per_block is not None:
        chunks_per_block = as_count(chunks_per_block, "chunks_per_block", 1)
    replays = _can_replay(**arguments)
    if method == "replay" and not replays:
        raise ValueError(
            'method="replay" needs the squared loss and steps that are affine maps: rule SGD, Momentum or '
            'Nesterov, and no L1 penalty; use method="sync"'
        )
    chunks = as_chunks(features, labels, sample_weight, rows)
    cluster = Cluster(client)
    feed = ClusterFeed(cluster, chunks)
    if method == "auto":
        replays = replays and batch_size >= ROWS_PER_FEATURE * (feed.width + 1)
        method = "replay" if replays else "sync"
    feed.make_blocks(chunks_per_block or (1 if method == "replay" else SPREAD))
    if isinstance(validation, tuple):
        validation = tuple(map(cluster.here, validation))
    engine = ENGINES[method]
    return train_on(feed, batch_size=batch_size, engine=engine, validation=validation, **arguments)


def _can_replay(loss: Any = "squared", rule: Any = "sgd", l1: float = 0.0, **_: Any) -> bool:
    return as_loss(loss).is_squared and is_affine(as_rule(rule), l1)
