"""npreg's functions with their rows on a Dask cluster, bit for bit: for rows that do not fit one machine.

    from dask.distributed import Client
    import npreg.dask

    client = Client()
    result = npreg.dask.train(features, labels, batch_size=4000, lr="auto", rng=0)

`features` and `labels` are dask.arrays, dask.dataframes or lists of delayed row blocks; each function is
the one of npreg, given a feed.  Needs Dask: in a clone of npreg, python -m pip install ".[dask]".
"""

from collections.abc import Sequence
from typing import Any

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    cure = 'in a clone of npreg: python -m pip install ".[dask]"'
    raise ImportError(f"npreg.dask needs Dask ({error}); {cure}") from error

from npreg import exact, learning_rate
from npreg.arrays import FloatArray, as_batch_size
from npreg.dask.cluster import BlockError, ClusterError
from npreg.dask.feed import ClusterFeed
from npreg.engines.moments import is_affine
from npreg.losses import as_loss
from npreg.runs.plan import EngineName
from npreg.runs.scaling import ColumnMoments
from npreg.sgd import as_rule
from npreg.sweep import SweepResult
from npreg.sweep import sweep as sweep_on
from npreg.train import TrainResult
from npreg.train import train as train_on

__all__ = ["BlockError", "ClusterError", "column_scales", "least_squares", "max_learning_rate", "sweep", "train"]

ROWS_PER_FEATURE = 4  # minibatches this much longer than wide have moments well smaller than their rows


def train(
    features: Any,
    labels: Any = None,
    *,
    client: Any = None,
    chunks_per_block: int = 1,
    rows: Sequence[int] | None = None,
    sample_weight: Any = None,
    batch_size: int = 10,
    engine: EngineName = "auto",
    validation: Any = None,
    **arguments: Any,
) -> TrainResult:
    """Fit a linear model by minibatch SGD on a Dask cluster; `npreg.train` on the same blocks of rows.

    Every block is one chunk of the data (or several neighbouring ones), and `npreg.RowBlocks` says how
    its rows form minibatches.  So the run depends on the chunks and `rng` alone, and has the bits of
    `npreg.train(blocks)` with the same engine, on any number of workers, also where some are lost on the way.
    With engine="moments" the workers reduce each minibatch to its moments, and the steps are replayed here;
    for other engines they read the blocks ahead of time, and send the rows here.

    BlockError where a block cannot be computed; other errors are those of `npreg.train`, and name the block.
    ClusterError where the scheduler is gone, no worker is left, or a block takes down one worker after another.

    Parameters
    ----------
    features : dask.array (n, d), dask.dataframe, or list of delayed blocks
        A delayed block is (r, d) features, or (features, labels) or (features, labels, sample_weight).
        Chunks that are not persisted are computed again in each epoch.
    labels : dask.array (n,) or (n, k), dask.dataframe or series, list of delayed labels, or array
    client : dask.distributed.Client, by default the one in use
    chunks_per_block : how many neighbouring chunks make a block
    rows : those of each chunk, where Dask does not know them; spares the pass that counts them
    sample_weight : like labels, optional
    engine : "auto", "moments", "tight" or "loop"
        "auto" takes moments where they can be, and minibatches have at least 4 (d + 1) rows; else "tight".
    batch_size, validation, and all other arguments : as in `npreg.train`
    """
    if "method" in arguments:
        raise TypeError('method is gone with the synchronous steps; engine="moments" is what "replay" was')
    batch_size = as_batch_size(batch_size)
    feed = ClusterFeed(features, labels, client, rows, sample_weight, chunks_per_block=chunks_per_block)
    if engine == "auto":
        pays = batch_size >= ROWS_PER_FEATURE * (feed.facts.width + 1)
        squared = as_loss(arguments.get("loss", "squared")).is_squared
        affine = is_affine(as_rule(arguments.get("rule", "sgd")), arguments.get("l1", 0.0))
        engine = "moments" if pays and squared and affine else "tight"
    if isinstance(validation, tuple):
        validation = tuple(feed.cluster.client.gather(feed.cluster.client.compute(validation)))
    return train_on(feed, batch_size=batch_size, engine=engine, validation=validation, **arguments)


def sweep(
    features: Any, labels: Any = None, *, client: Any = None, rows: Any = None, sample_weight: Any = None, **others: Any
) -> SweepResult:
    """`npreg.sweep` on a cluster: two passes before the first epoch, and one for each epoch of all settings.

    Each setting is the run that `npreg.dask.train(lr=lr, l2=l2, rng=rng)` makes with the same `rng`.
    `features`, `labels`, `client`, `rows` and `sample_weight` are as in `npreg.dask.train`, here and in
    the functions below, all other arguments (such as `lrs`) as in the function of npreg.
    """
    return sweep_on(ClusterFeed(features, labels, client, rows, sample_weight), **others)


def max_learning_rate(
    features: Any, batch_size: int, *, l2: float = 0.0, client: Any = None, sample_weight: Any = None, rows: Any = None
) -> float:
    """`npreg.max_learning_rate` in one pass over a cluster's data."""
    feed = ClusterFeed(features, None, client, rows, sample_weight, labelled=False)
    return learning_rate.max_learning_rate(feed, batch_size, l2=l2)


def column_scales(
    features: Any, *, client: Any = None, sample_weight: Any = None, rows: Sequence[int] | None = None
) -> tuple[FloatArray, FloatArray]:
    """The mean and standard deviation (d,) of every column, in one pass: those of train(standardize=True).

    The standard deviation is 1 for a constant column.
    """
    feed = ClusterFeed(features, None, client, rows, sample_weight, labelled=False)
    scaling = feed.total(ColumnMoments.of).scaling()
    return scaling.mean, scaling.sd


def least_squares(
    features: Any, labels: Any = None, *, client: Any = None, rows: Any = None, sample_weight: Any = None, **others: Any
) -> exact.LeastSquaresResult:
    """`npreg.least_squares` in two passes over a cluster's data, or some more where they are ill-conditioned."""
    return exact.least_squares(ClusterFeed(features, labels, client, rows, sample_weight), **others)
