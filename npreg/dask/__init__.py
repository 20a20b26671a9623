"""The same run on a Dask cluster, bit for bit: for rows that do not fit one machine.

    from dask.distributed import Client
    import npreg.dask

    client = Client()
    result = npreg.dask.train(features, labels, batch_size=4000, lr="auto", rng=0)

`features` and `labels` are dask.arrays, dask.dataframes or lists of delayed row blocks.  Needs Dask: in a
clone of npreg, python -m pip install ".[dask]".
"""

from __future__ import annotations

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'npreg.dask needs Dask ({error}); in a clone of npreg: python -m pip install ".[dask]"'
    ) from error

from npreg.dask.calls import column_scales, least_squares, max_learning_rate, sweep, train
from npreg.dask.cluster import BlockError, ClusterError

__all__ = ["BlockError", "ClusterError", "column_scales", "least_squares", "max_learning_rate", "sweep", "train"]
