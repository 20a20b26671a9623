"""npreg.dask on real clusters of worker processes: the bits of npreg.train, whatever happens to workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
LOCAL = {"dashboard_address": None, "host": "127.0.0.1", "silence_logs": 50, "threads_per_worker": 1}


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


def assert_same_bits(one: npreg.TrainResult, other: npreg.TrainResult) -> None:
    assert one.w.dtype == other.w.dtype
    for name in ("w", "b", "losses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def assert_about_equal(one: npreg.TrainResult, other: npreg.TrainResult) -> None:
    for name in ("w", "b", "losses"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-10, atol=1e-13)


ENGINE = {"replay": "moments", "sync": "loop"}
RUNS: dict[str, dict[str, Any]] = {
    "plain": {"num_epochs": 2},
    "penalty and schedule": {"l2": 0.1, "schedule": lambda epochs: 1 / (1 + epochs), "num_epochs": 2},
    "momentum": {"rule": "momentum", "lr": 0.003, "num_epochs": 1},
    "standardize, auto": {"standardize": True, "lr": "auto", "num_epochs": 1},
    "every step": {"record": "step", "average": 0.5, "num_epochs": 2},
}


@pytest.mark.parametrize("kind", RUNS)
def test_replay_has_the_bits_of_train(client: Any, data: Any, kind: str) -> None:
    arguments = {"batch_size": 64, "rng": 1, **RUNS[kind]}
    expected = npreg.train(*data, block_rows=ROWS, engine="moments", **arguments)
    result = npreg.dask.train(*arrays(data), method="replay", **arguments)
    assert_same_bits(result, expected)
    assert (result.engine, result.num_steps, result.lr) == ("moments", expected.num_steps, expected.lr)
    if expected.trajectory is not None:
        np.testing.assert_array_equal(result.trajectory.w, expected.trajectory.w)


@pytest.mark.parametrize(
    "extra", [{}, {"loss": "huber", "rule": "nesterov", "l1": 0.01, "lr": 0.01}], ids=["squared", "huber"]
)
def test_synchronous_steps_have_the_bits_of_the_loop(client: Any, data: Any, extra: dict[str, Any]) -> None:
    arguments = {"batch_size": 400, "num_epochs": 2, "rng": 1, **extra}
    expected = npreg.train(*data, block_rows=ROWS, engine="loop", **arguments)
    result = npreg.dask.train(*arrays(data), method="sync", chunks_per_block=1, **arguments)
    assert_same_bits(result, expected)
    assert result.engine == "loop"
    spread = npreg.dask.train(*arrays(data), method="sync", **arguments)
    assert_about_equal(spread, npreg.train(*data, block_rows=4 * ROWS, engine="loop", **arguments))


@pytest.mark.parametrize("method", ENGINE)
def test_bits_do_not_depend_on_the_number_of_workers(cluster: Any, data: Any, method: str) -> None:
    results = []
    for workers in (1, 2, 4):
        cluster.scale(workers)
        with distributed.Client(cluster) as client:
            client.wait_for_workers(workers)
            while len(client.nthreads()) > workers:
                time.sleep(0.02)
            for chunks_per_block in (1, 3):
                results.append(
                    npreg.dask.train(
                        *arrays(data),
                        method=method,
                        chunks_per_block=chunks_per_block,
                        batch_size=600,
                        num_epochs=1,
                        rng=1,
                    )
                )
    cluster.scale(2)
    for first, other in zip(results[:2] * 2, results[2:], strict=True):
        assert_same_bits(first, other)
    assert_same_bits(
        results[0],
        npreg.train(*data, block_rows=ROWS, engine=ENGINE[method], batch_size=600, num_epochs=1, rng=1),
    )
    whole = npreg.train(*data, block_rows=3 * ROWS, batch_size=600, num_epochs=1, rng=1)
    assert_about_equal(results[1], whole)


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


@pytest.mark.parametrize("method", ["auto", "moments", "qr"])
def test_least_squares_is_that_of_one_machine(client: Any, data: Any, method: str) -> None:
    rng = np.random.default_rng(1)
    X = data[0] + [0, 3, -2, 0, 1]
    y = np.column_stack([data[1] + rng.standard_normal(N), rng.standard_normal(N)])
    found = npreg.dask.least_squares(*arrays((X, y)), method=method)
    for one, other in zip(fields(found), fields(npreg.least_squares(X, y)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_least_squares_by_qr_where_moments_have_lost_the_digits(client: Any) -> None:
    rng = np.random.default_rng(1)
    common = rng.standard_normal((N, 1))
    X = common + 1e-6 * rng.standard_normal((N, 3)) + 100.0
    y = X.sum(axis=1) + 1e-3 * rng.standard_normal(N)
    exact = npreg.least_squares(X, y)
    assert exact.condition_number > 1e6
    found = npreg.dask.least_squares(*arrays((X, y)))
    np.testing.assert_allclose(found.w, exact.w, rtol=1e-6)
    by_moments = npreg.dask.least_squares(*arrays((X, y)), method="moments")
    assert np.abs(by_moments.w - exact.w).max() > 10 * np.abs(found.w - exact.w).max()
    through_origin = npreg.dask.least_squares(*arrays((X, y)), intercept=False)
    for one, other in zip(
        fields(through_origin), fields(npreg.least_squares(X, y, intercept=False)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    with pytest.raises(ValueError, match="column 3 is a linear combination of column 0"):
        npreg.dask.least_squares(*arrays((np.hstack([X, 2 * X[:, :1]]), y)))


def test_a_sweep_makes_the_runs_of_train(client: Any, data: Any) -> None:
    lrs, penalties = [0.01, 0.1, 50.0], [0.0, 0.1]
    features, labels = arrays(data)
    found = npreg.dask.sweep(features, labels, lrs=lrs, l2=penalties, batch_size=64, num_epochs=2, rng=1)
    assert found.diverged.tolist() == [False, False, True] * 2
    assert found.bound[0] == pytest.approx(npreg.max_learning_rate(data[0], 64), rel=1e-12)
    for i in np.flatnonzero(~found.diverged):
        run = npreg.train(
            *data, block_rows=ROWS, lr=found.lrs[i], l2=found.l2[i], batch_size=64, num_epochs=2, rng=1
        )
        np.testing.assert_allclose(found.w[i], run.w, rtol=1e-10)
        np.testing.assert_allclose(found.losses[i], run.losses, rtol=1e-6)
