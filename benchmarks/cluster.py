"""npreg.dask on one machine: moments from workers next to one process, and what they move.

    python benchmarks/cluster.py [--repeats 3] [--print]

A LocalCluster of 2 worker processes with one thread each holds the rows (400,000, float64, in 8 chunks);
an epoch is one of train(..., batch_size=4000, lr="auto"), the loss included, without the call's fixed cost
(the time of two epochs less that of one).  Bytes are those of the moments that go to the client in one epoch.
The constants below the table are what the cost model in
docs/dask.md is made of.  The table goes between the markers of that page, or to the screen with --print.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from needed import need
from tables import ROOT, environment, fill, machine

ROWS, BATCH, CHUNKS, SHAPES = 400_000, 4000, 8, (20, 200)


def seconds_an_epoch(call: Callable[[int], Any]) -> float:
    times = []
    for epochs in (1, 2):
        start = time.perf_counter()
        call(epochs)
        times.append(time.perf_counter() - start)
    return max(times[1] - times[0], 1e-9)


Calls = dict[str, Callable[[int], Any]]  # of the number of epochs


def calls(client: Any, width: int) -> Calls:
    """What is compared, on rows of that width."""
    import dask.array as da

    import npreg.dask

    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, width))
    y = X @ rng.standard_normal(width) + rng.standard_normal(ROWS)
    chunk = ROWS // CHUNKS
    parts = [client.scatter(X[start : start + chunk], direct=True) for start in range(0, ROWS, chunk)]
    blocks = [da.from_delayed(part, (chunk, width), X.dtype) for part in parts]
    features, labels = da.concatenate(blocks), da.from_array(y, chunks=chunk)
    common: dict[str, Any] = {"batch_size": BATCH, "lr": 0.1, "rng": 0}

    there = {**common, "client": client, "engine": "moments"}
    blocks_here = npreg.RowBlocks.of(X, y, block_rows=chunk)
    return {
        "one process": lambda epochs: npreg.train(X, y, num_epochs=epochs, **common),
        "one process, blocks": lambda epochs: npreg.train(blocks_here, num_epochs=epochs, engine="moments", **common),
        "moments": lambda epochs: npreg.dask.train(features, labels, num_epochs=epochs, **there),
    }


def measure(repeats: int) -> tuple[dict[tuple[int, str], float], dict[str, float]]:
    """Seconds an epoch for each width and call, and the constants of the cost model."""
    need(dask="dask[array]", distributed="distributed")
    from distributed import Client, LocalCluster

    times: dict[tuple[int, str], list[float]] = {}
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "threads_per_worker": 1}
    with LocalCluster(n_workers=2, **options) as cluster, Client(cluster, direct_to_workers=True) as client:
        for width in SHAPES:
            compared = calls(client, width)
            for call in compared.values():
                call(1)
            for _ in range(repeats):
                for name, call in compared.items():
                    times.setdefault((width, name), []).append(seconds_an_epoch(call))
                    print(f"{width} features, {name}: {times[width, name][-1]:.3f} s", file=sys.stderr)
        constants = {
            "task": per_task(client),
            "bandwidth": bandwidth(client),
            **{f"moments {width}": moments_of_a_step(width) for width in (20, 100, 200)},
            **{f"replay {width}": replay_of_a_step(width) for width in (20, 100, 200)},
        }
    return {key: statistics.median(each) for key, each in times.items()}, constants


def median_time(call: Callable[[], Any], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def per_task(client: Any) -> float:
    """Seconds of the client's and scheduler's time for a block, with nothing to compute."""
    from npreg.dask.cluster import Cluster, Job

    cluster = Cluster(client)
    jobs = [Job(f"block {i}", lambda: cluster.submit("nothing", abs, 1)) for i in range(100)]
    return median_time(lambda: list(cluster.in_order(jobs)), 3) / 100


def bandwidth(client: Any) -> float:
    """Bytes a second of a result on its way here."""
    size = 64_000_000
    return size / median_time(lambda: client.submit(np.ones, size // 8, pure=False).result())


def block(width: int) -> tuple[Any, Any]:
    """Ten minibatches, and an engine for them."""
    from npreg.arrays import Data
    from npreg.engines import make_engine
    from npreg.losses import LOSSES
    from npreg.sgd import Stepper

    rng = np.random.default_rng(0)
    data = Data(rng.standard_normal((10 * BATCH, width)), rng.standard_normal((10 * BATCH, 1)))
    theta = np.zeros((width + 1, 1))
    stepper = Stepper((theta[:-1], theta[-1]), lr=0.01, divisor=float(BATCH), steps_per_epoch=10)
    return data, make_engine("moments", width, BATCH, data.X.dtype, LOSSES["squared"], stepper)


def moments_of_a_step(width: int) -> float:
    """Seconds on a worker: shuffling, gathering, the moments, those of the loss."""
    from npreg.dask.feed import Place, visited

    data, engine = block(width)
    place, theta, found = Place(0, len(data.X)), np.zeros((width + 1, 1)), (data.X, data.y[:, 0])
    return median_time(lambda: place.apply(visited, (engine.reduction(), 0, theta), *found)) / 10


def replay_of_a_step(width: int) -> float:
    """Seconds here."""
    data, engine = block(width)
    theta, reduced = np.zeros((width + 1, 1)), engine.reduction()(data, np.arange(len(data.X)))
    return median_time(lambda: engine.advance(theta, reduced, lambda: None)) / 10


def moved(width: int, name: str) -> float | None:
    """Bytes between client and workers in an epoch."""
    p, steps = width + 1, ROWS // BATCH
    return 8.0 * (steps + CHUNKS) * p * (p + 1) if name == "moments" else None


def table(times: dict[tuple[int, str], float], constants: dict[str, float]) -> str:
    labels = {"one process": "`npreg.train`, one process, in memory", "moments": "moments, 2 workers"}
    labels["one process, blocks"] = '`npreg.train` on `RowBlocks` of 50,000, engine="moments"'
    heads = " | ".join(f"(400k, {width}, 4000): time | moved" for width in SHAPES)
    lines = [f"| an epoch | {heads} |", "|---|" + "---|" * (2 * len(SHAPES))]
    for name, label in labels.items():
        cells = []
        for width in SHAPES:
            size = moved(width, name)
            cells.append(f"{times[width, name] / times[width, 'one process']:.2f}")
            cells.append("" if size is None else f"{size / 1e6:.1f} MB")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    absolute = ", ".join(f"{1e3 * times[width, 'one process']:.0f} ms ({width} features)" for width in SHAPES)
    lines += ["", f"Ratios are to the first row, which took {absolute}.", ""]
    lines += ["| constant | measured |", "|---|---|"]
    lines.append(f"| a task, without its work | {1e3 * constants['task']:.1f} ms |")
    lines.append(f"| results on their way to the client | {constants['bandwidth'] / 1e6:.0f} MB/s |")
    for width in (20, 100, 200):
        work, replay = 1e3 * constants[f"moments {width}"], 1e3 * constants[f"replay {width}"]
        lines.append(f"| a minibatch (4000, {width}) to moments, on a worker | {work:.2f} ms |")
        lines.append(f"| its step, replayed on the client | {replay:.3f} ms |")
    lines += ["", f"{machine('dask')}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--print", action="store_true", help="to the screen instead of docs/dask.md")
    arguments = parser.parse_args()
    os.environ.update(environment())
    text = table(*measure(arguments.repeats))
    print(text) if arguments.print else fill(ROOT / "docs" / "dask.md", "cluster", text)
