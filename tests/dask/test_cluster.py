"""On real clusters of worker processes: the bits of npreg.train, whatever happens to workers."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import npreg

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytest.importorskip("dask.array")

import npreg.dask  # noqa: E402

# Dask's own noise: sockets and loops that it leaves to the garbage collector when processes are killed.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

N, D, ROWS = 6000, 5, 900
LOCAL: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "silence_logs": 50,
    "threads_per_worker": 1,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(n_workers=2, **LOCAL) as cluster:
        yield cluster
    assert not [nanny for nanny in cluster.workers.values() if nanny.status.name != "closed"]


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    with distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return npreg.synthetic_data(np.linspace(-1, 2, D), 4.2, N, rng=0, dtype=np.float64)


def arrays(data: tuple[np.ndarray, np.ndarray], rows: int = ROWS) -> tuple[Any, Any]:
    return dask.array.from_array(data[0], chunks=(rows, -1)), dask.array.from_array(data[1], chunks=rows)


def blocks(data: tuple[np.ndarray, np.ndarray], rows: int = ROWS) -> npreg.RowBlocks:
    return npreg.RowBlocks.of(*data, block_rows=rows)


def assert_same_bits(one: npreg.TrainResult, other: npreg.TrainResult) -> None:
    assert one.w.dtype == other.w.dtype
    for name in ("w", "b", "losses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


ENGINES = ("moments", "loop")
RUNS: dict[str, dict[str, Any]] = {
    "plain": {"num_epochs": 2},
    "penalty and schedule": {"l2": 0.1, "lr": (0.03, lambda epochs: 1 / (1 + epochs)), "num_epochs": 2},
    "standardize, auto": {"standardize": True, "lr": "auto", "num_epochs": 1},
    "every step": {"callbacks": npreg.Record("step"), "average": 0.5, "num_epochs": 2},
}


@pytest.mark.parametrize("kind", RUNS)
def test_replay_has_the_bits_of_train(client: Any, data: Any, kind: str) -> None:
    arguments = {"batch_size": 64, "rng": 1, **RUNS[kind]}
    expected = npreg.train(blocks(data), engine="moments", **arguments)
    result = npreg.dask.train(*arrays(data), engine="moments", **arguments)
    assert_same_bits(result, expected)
    assert (result.engine, result.num_steps, result.lr) == ("moments", expected.num_steps, expected.lr)
    if expected.trajectory is not None:
        np.testing.assert_array_equal(result.trajectory.w, expected.trajectory.w)


@pytest.mark.parametrize("extra", [{}, {"loss": "huber", "rule": "nesterov", "l1": 0.01, "lr": 0.01}], ids=str)
def test_rows_that_come_here_have_the_bits_of_train(client: Any, data: Any, extra: dict[str, Any]) -> None:
    arguments = {"batch_size": 400, "num_epochs": 2, "rng": 1, "engine": "tight", **extra}
    expected = npreg.train(blocks(data), **arguments)
    assert_same_bits(npreg.dask.train(*arrays(data), **arguments), expected)


def test_bits_do_not_depend_on_the_number_of_workers(cluster: Any, data: Any) -> None:
    arguments = {"engine": "moments", "batch_size": 600, "num_epochs": 1, "rng": 1}
    expected = {count: npreg.train(blocks(data, count * ROWS), **arguments) for count in (1, 3)}
    for workers in (1, 3):
        cluster.scale(workers)
        with distributed.Client(cluster) as client:
            client.wait_for_workers(workers)
            while len(client.nthreads()) > workers:
                time.sleep(0.02)
            for count, run in expected.items():
                found = npreg.dask.train(*arrays(data), chunks_per_block=count, **arguments)
                assert_same_bits(found, run)
    cluster.scale(2)


def test_scales_and_the_learning_rates_bound_are_those_of_one_machine(client: Any, data: Any) -> None:
    X, y = data[0] * [1, 10, 100, 1e3, 1e-3] + [0, 1, 1e3, 0, 5], data[1]
    features, _ = arrays((X, y))
    mean, sd = npreg.dask.column_scales(features)
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(sd, X.std(axis=0), rtol=1e-12)
    expected = npreg.max_learning_rate(X, 50, l2=0.1)
    assert npreg.dask.max_learning_rate(features, 50, l2=0.1) == pytest.approx(expected, rel=1e-10)
    parts = [dask.delayed(X[start : start + ROWS]) for start in range(0, N, ROWS)]
    np.testing.assert_array_equal(npreg.dask.column_scales(parts)[0], mean)
    weights = np.random.default_rng(0).random(N)
    weighted = npreg.dask.column_scales(features, sample_weight=weights)
    np.testing.assert_allclose(weighted[0], np.average(X, axis=0, weights=weights), rtol=1e-12)


def fields(fit: npreg.LeastSquaresResult) -> list[Any]:
    names = "w b w_stderr b_stderr residual_sd r2_centered r2_uncentered degrees_of_freedom rank"
    return [getattr(fit, name) for name in names.split()]


def test_least_squares_is_that_of_one_machine(client: Any, data: Any) -> None:
    rng = np.random.default_rng(1)
    X = data[0] + [0, 3, -2, 0, 1]
    y = np.column_stack([data[1] + rng.standard_normal(N), rng.standard_normal(N)])
    weights = rng.random(N)
    nearly_dependent = X[:, [0]] + 1e-7 * X[:, 1:] + 100.0
    for features, options in ((X, {}), (X, {"sample_weight": weights}), (nearly_dependent, {"fit_intercept": False})):
        found = npreg.dask.least_squares(*arrays((features, y)), **options)
        for one, other in zip(fields(found), fields(npreg.least_squares(features, y, **options)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13)
    with pytest.warns(npreg.RankWarning, match="column 5 is a linear combination of column 0"):
        npreg.dask.least_squares(*arrays((np.hstack([X, 2 * X[:, :1]]), y)))


def test_a_sweep_makes_the_runs_of_train(client: Any, data: Any) -> None:
    lrs, penalties = [0.01, 0.1, 50.0], [0.0, 0.1]
    features, labels = arrays(data)
    found = npreg.dask.sweep(features, labels, lrs=lrs, l2=penalties, batch_size=64, num_epochs=2, rng=1)
    assert found.diverged.tolist() == [False, False, True] * 2
    assert found.bound[0] == pytest.approx(npreg.max_learning_rate(data[0], 64), rel=1e-12)
    for i in np.flatnonzero(~found.diverged):
        run = npreg.train(blocks(data), lr=found.lrs[i], l2=found.l2[i], batch_size=64, num_epochs=2, rng=1)
        np.testing.assert_allclose(found.w[i], run.w, rtol=1e-10)
        np.testing.assert_allclose(found.losses[i], run.losses, rtol=1e-6)


def rows_of(data: tuple[np.ndarray, np.ndarray], i: int, seconds: float = 0.0) -> tuple[np.ndarray, ...]:
    time.sleep(seconds)
    rows = slice(i * ROWS, (i + 1) * ROWS)
    return data[0][rows], data[1][rows]


def slow_blocks(data: Any, seconds: float = 0.02) -> list[Any]:
    whole = dask.delayed(data)
    return [dask.delayed(rows_of)(whole, i, seconds) for i in range(-(-N // ROWS))]


SIZES = [min(ROWS, N - start) for start in range(0, N, ROWS)]


class Kill:
    """Kill one of the cluster's worker processes, some time after a run has begun."""

    def __init__(self, cluster: Any, seconds: float, number: int) -> None:
        pids = [nanny.pid for nanny in cluster.workers.values()]
        self.timer = threading.Timer(seconds, os.kill, (pids[number % len(pids)], signal.SIGKILL))

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: Any) -> None:
        self.timer.join()


def runs_through_a_kill(data: Any, engine: str, seconds: float, number: int) -> None:
    """On a cluster of its own: Dask does not always replace a worker that dies while it starts."""
    arguments = {"batch_size": 300, "num_epochs": 4, "rng": 1}
    with (
        distributed.LocalCluster(n_workers=2, **LOCAL) as cluster,
        distributed.Client(cluster),
        Kill(cluster, seconds, number),
    ):
        result = npreg.dask.train(slow_blocks(data), rows=SIZES, engine=engine, **arguments)
    assert_same_bits(result, npreg.train(blocks(data), engine=engine, **arguments))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_a_worker_killed_in_mid_epoch_changes_no_bit(data: Any) -> None:
    runs_through_a_kill(data, "moments", 0.2, 0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no SIGKILL")
def test_workers_killed_at_random_moments_of_twenty_runs_change_no_bit(data: Any) -> None:
    rng = np.random.default_rng(0)
    for number in range(20):
        runs_through_a_kill(data, ENGINES[number % 2], rng.uniform(0.05, 1.2), number // 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_that_raises_is_named(client: Any, data: Any, engine: str) -> None:
    def missing() -> None:
        raise FileNotFoundError("no such file")

    blocks = slow_blocks(data, 0.0)
    blocks[3] = dask.delayed(missing)()
    with pytest.raises(npreg.dask.BlockError, match=r"block 3 could not be computed: FileNotFoundError") as caught:
        npreg.dask.train(blocks, rows=SIZES, engine=engine, batch_size=300)
    assert caught.value.block == "block 3"
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    bad = data[0][:ROWS].copy()
    bad[5, 2] = np.nan
    blocks[3] = dask.delayed((bad, data[1][:ROWS]))
    with pytest.raises(ValueError, match=r"block 1: features has nan at row 905, column 2"):
        npreg.dask.train(blocks, rows=SIZES, engine=engine, chunks_per_block=2, batch_size=300)
    with pytest.raises(ValueError, match=r"block 3: features has nan"):
        npreg.dask.max_learning_rate(blocks, 10, rows=SIZES)
    blocks[3] = dask.delayed((data[0][:ROWS, :2], data[1][:ROWS]))
    with pytest.raises(ValueError, match=r"block 3 has 2 features, 1 outputs .* block 0 has 5"):
        npreg.dask.train(blocks, rows=SIZES, engine=engine, batch_size=300)


class Stop(Exception):
    pass


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stopped_run_resumes_with_the_same_bits(
    client: Any, data: Any, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two blocks, and resumed on the cluster or, from the same file, on one machine."""
    from npreg.runs.checkpoint import State

    arguments: dict[str, Any] = {"batch_size": 300, "num_epochs": 2, "rng": 1}
    expected = npreg.train(blocks(data), engine=engine, batch_size=300, num_epochs=2, rng=1)
    save, written = State.save, []

    def interrupted(state: State, path: str) -> None:
        save(state, path)
        written.append(path)
        if len(written) == 9:
            raise Stop

    def run(*, resume: bool = False) -> npreg.TrainResult:
        path = npreg.Checkpoint(tmp_path / f"{engine}.npz", every="block", resume=resume)
        features, labels = arrays(data)
        return npreg.dask.train(features, labels, engine=engine, checkpoint=path, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(State, "save", interrupted)
        with pytest.raises(Stop):
            run()
    assert_same_bits(run(resume=True), expected)


def test_the_scheduler_gone_is_a_clear_error(data: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "run.npz")
    arguments: dict[str, Any] = {"batch_size": 300, "num_epochs": 8, "rng": 1}
    arguments["checkpoint"] = npreg.Checkpoint(path, every="block")

    def close_when_written() -> None:
        while not os.path.exists(path):
            time.sleep(0.01)
        cluster.close()

    with distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", **LOCAL) as cluster:
        client = distributed.Client(cluster, timeout=1)
        closer = threading.Thread(target=close_when_written)
        closer.start()
        try:
            with pytest.raises(npreg.dask.ClusterError, match="start a cluster and call again, with resume"):
                npreg.dask.train(slow_blocks(data), rows=SIZES, client=client, engine="moments", **arguments)
        finally:
            closer.join()
            client.close()
    expected = npreg.train(blocks(data), engine="moments", batch_size=300, num_epochs=8, rng=1)
    with (
        distributed.LocalCluster(n_workers=1, processes=False, protocol="tcp", **LOCAL) as cluster,
        distributed.Client(cluster),
    ):
        arguments["checkpoint"] = npreg.Checkpoint(path, every="block", resume=True)
        found = npreg.dask.train(slow_blocks(data, 0.0), rows=SIZES, engine="moments", **arguments)
    assert_same_bits(found, expected)


def test_dataframes_and_delayed_blocks_are_the_same_data(client: Any, data: Any) -> None:
    frames = pytest.importorskip("dask.dataframe")
    pandas = pytest.importorskip("pandas")
    names = [f"x{j}" for j in range(D)]
    frame = pandas.DataFrame(data[0], columns=names).assign(y=data[1], s=np.arange(N) + 1.0)
    table = frames.from_pandas(frame, npartitions=5)
    rows = [int(count) for count in table.map_partitions(len).compute()]
    arguments: dict[str, Any] = {"batch_size": 100, "num_epochs": 1, "rng": 1, "l2": 0.01}
    result = npreg.dask.train(table[names], table["y"], sample_weight=table["s"] / N, **arguments)
    starts = np.cumsum([0, *rows])

    def read(i: int) -> tuple[np.ndarray, ...]:
        rows = slice(starts[i], starts[i + 1])
        return data[0][rows], data[1][rows], (np.arange(N)[rows] + 1.0) / N

    expected = npreg.train(npreg.RowBlocks(read, rows), engine="moments", **arguments)
    assert_same_bits(result, expected)
    delayed = [dask.delayed(read)(i) for i in range(len(rows))]
    assert_same_bits(npreg.dask.train(delayed, **arguments), expected)
    some = table[table["s"] > rows[0]]  # leaves a partition without rows
    assert npreg.dask.train(some[names], some["y"], batch_size=100, num_epochs=0).num_steps == 0


def test_persisted_data_stay_where_they_are(client: Any, data: Any) -> None:
    arguments = {"batch_size": 100, "num_epochs": 1, "rng": 1}
    expected = npreg.train(blocks(data), engine="moments", **arguments)
    features, labels = client.persist(list(arrays(data)))
    assert_same_bits(npreg.dask.train(features, labels, **arguments), expected)
    assert_same_bits(npreg.dask.train(features + 0.0, labels.rechunk(500), **arguments), expected)


def test_auto_picks_by_loss_rule_and_shape(client: Any, data: Any) -> None:
    features, labels = arrays(data)
    for arguments, engine in [
        ({"batch_size": 24}, "moments"),
        ({"batch_size": 23}, "tight"),
        ({"batch_size": 900, "loss": "absolute"}, "tight"),
        ({"batch_size": 900, "l1": 0.1}, "tight"),
    ]:
        assert npreg.dask.train(features, labels, num_epochs=0, **arguments).engine == engine
    with pytest.raises(ValueError, match='engine="moments" is for the squared loss'):
        npreg.dask.train(features, labels, loss="huber", engine="moments")


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_bad_input_is_refused_with_the_cure(client: Any, data: Any) -> None:
    features, labels = arrays(data)
    with pytest.raises(TypeError, match=r"dask.array.from_array"):
        npreg.dask.train(data[0], data[1])
    with pytest.raises(ValueError, match=r"labels of 5 rows do not fit features of 6000 rows"):
        npreg.dask.train(features, labels[:5])
    with pytest.raises(TypeError, match="labels are missing"):
        npreg.dask.train(features)
    with pytest.raises(TypeError, match='engine="moments" is what "replay" was'):
        npreg.dask.train(features, labels, method="replay")
    with pytest.raises(ValueError, match="2-D"):
        npreg.dask.train(labels, labels)
    with pytest.raises(TypeError, match=r"must be a dask.distributed.Client"):
        npreg.dask.train(features, labels, client="tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="rows has 1 numbers for 7 chunks"):
        npreg.dask.train(features, labels, rows=[6000])
    with pytest.raises(npreg.DivergenceError):
        npreg.dask.train(features, labels, lr=50.0, batch_size=100)


def test_without_a_cluster_the_error_says_how_to_start_one(data: Any) -> None:
    features, labels = arrays(data)
    with pytest.raises(ValueError, match=r"client = dask.distributed.Client\(\)"):
        npreg.dask.train(features, labels)


def made(i: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that exist nowhere but on the worker that makes them."""
    rng = np.random.default_rng([7, i])
    X = rng.standard_normal((rows, columns))
    return X, X @ np.ones(columns) + rng.standard_normal(rows)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_data_larger_than_a_workers_memory_train_within_it() -> None:
    blocks, rows, columns = 60, 40_000, 40  # 12.8 MB each, 768 MB in all
    limit = 450_000_000
    with (
        distributed.LocalCluster(n_workers=1, memory_limit=limit, **LOCAL) as cluster,
        distributed.Client(cluster) as client,
    ):
        started = set(client.run(os.getpid).values())
        parts = [dask.delayed(made)(i, rows, columns) for i in range(blocks)]
        result = npreg.dask.train(parts, rows=[rows] * blocks, batch_size=4000, lr="auto", num_epochs=1, rng=0)
        pids = set(client.run(os.getpid).values())
        (peak,) = client.run(peak_memory).values()
    # No worker was restarted for want of memory.  (Between two looks of Dask's, every 0.1 s, a worker may
    # hold more than the limit for a moment.)
    assert pids == started
    assert max(peak, limit) < blocks * rows * columns * 8
    np.testing.assert_allclose(result.w, 1, atol=0.05)


def peak_memory() -> int:
    """Bytes that this process has held; not `ru_maxrss`, which it inherits from whoever started it."""
    from pathlib import Path

    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) * 1024
