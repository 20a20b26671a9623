"""The same run on this machine and on a cluster of worker processes: bit for bit.

    python examples/dask_cluster.py [--workers 2]

Needs Dask: python -m pip install ".[dask]" in a clone of npreg.  The rows are made on the workers, a
block at a time; nobody ever holds all of them.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

BLOCKS, ROWS, FEATURES = 12, 5000, 10


def read(i: int) -> tuple[np.ndarray, np.ndarray]:
    """Block i: here random numbers, in earnest a file."""
    rng = np.random.default_rng([0, i])
    X = rng.standard_normal((ROWS, FEATURES))
    return X, X @ np.arange(FEATURES) + 4.2 + 0.1 * rng.standard_normal(ROWS)


def main(workers: int) -> None:
    try:
        import dask
        from dask.distributed import Client, LocalCluster

        import npreg.dask
    except ImportError as error:
        print(f"skipped: {error}")
        return
    settings = {"batch_size": 200, "lr": "auto", "num_epochs": 3, "rng": 1}
    local = npreg.train(npreg.RowBlocks(read, [ROWS] * BLOCKS), engine="moments", **settings)
    print(f"one process   losses {local.losses.round(6)}")
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1}
    with LocalCluster(n_workers=workers, **options) as cluster, Client(cluster) as client:
        blocks = [dask.delayed(read)(i) for i in range(BLOCKS)]
        known = {"client": client, "rows": [ROWS] * BLOCKS}
        result = npreg.dask.train(blocks, **known, **settings)
        print(f"{workers} workers     losses {result.losses.round(6)}")
        same = np.array_equal(result.w, local.w) and np.array_equal(result.losses, local.losses)
        print(f"the same bits: {same}")
        sweep = npreg.dask.sweep(blocks, **known, lrs=[0.01, 0.1, 1, 10], batch_size=200, rng=1)
        for lr, loss in zip(sweep.lrs, sweep.losses[:, -1], strict=True):
            print(f"lr {lr:5g}   final loss {loss:.6g}")
        exact = npreg.dask.least_squares(blocks, **known)
        print(f"distance to least squares: {np.abs(result.w - exact.w).max():.1e}")
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    main(parser.parse_args().workers)
