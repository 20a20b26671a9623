"""npreg against runs of PyTorch: same data, same batches, autograd's gradients.

The worst differences seen, stored with torch 2.13 (`python tests/stored_runs.py` prints them):

                                                       float64     float32     bound
    gradient, in units of eps · Σ |terms|              3.5         1.7         8
    parameters after an epoch or step, "loop"          7.6e-16     5.0e-7      1e-13, 2e-6
                                       "tight"         5.9e-16     3.2e-7
                                       "moments"       4.9e-15     3.2e-7
    mean loss of an epoch                              8.8e-15     5.8e-7      1e-12, 2e-5

Parameters are relative to the largest one, losses to each loss.
"""

from __future__ import annotations

import runpy

import numpy as np
import pytest
from stored_runs import FIXTURES, StoredRun, all_runs, gradient_difference, load, run_differences

import npreg

pytestmark = pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")

GRADIENT_BOUND = 8.0
PARAMETER_BOUND = {"float64": 1e-13, "float32": 2e-6}
LOSS_BOUND = {"float64": 1e-12, "float32": 2e-5}
ENGINES = ("loop", "tight", "moments", "auto")


def check_gradients(run: StoredRun) -> None:
    assert gradient_difference(run) <= GRADIENT_BOUND


def check_run(run: StoredRun, engine: str) -> None:
    parameters, losses = run_differences(run, engine)
    assert parameters <= PARAMETER_BOUND[run.features.dtype.name]
    assert losses <= LOSS_BOUND[run.features.dtype.name]


by_name = pytest.mark.parametrize("run", all_runs(), ids=lambda run: run.name)


def test_what_is_stored():
    """All losses, both dtypes, and every size that is promised; in little space."""
    for loss in npreg.LOSSES:
        about, runs = load(loss)
        assert about["torch"].startswith("2.")
        cases = list(about["cases"].values())
        assert {case["dtype"] for case in cases} == {"float32", "float64"}
        assert {case["num_features"] for case in cases} == {1, 2, 5, 50}
        assert {case["batch_size"] for case in cases} >= {1, 10, 64, 103, 120}
        assert {case["num_outputs"] for case in cases} >= {1, 2, 3}
        assert all(case["num_rows"] == 103 for case in cases)
        for run in runs.values():
            assert run.epochs.dtype == run.gradients.dtype == run.features.dtype
            assert np.isfinite(run.epochs).all()
            assert np.abs(run.gradients[: run.num_gradients]).max(axis=(1, 2)).all()
            assert np.abs(run.epochs[-1] - run.epochs[0]).max() > 0.1  # it has moved
            loss_at_start = run.loss.value(npreg.linreg(run.features, **run.start), run.labels).mean()
            assert run.losses[-1] < loss_at_start
    files = list(FIXTURES.glob("*.npz"))
    assert len(files) == len(npreg.LOSSES) + 1  # and the rules
    assert sum(path.stat().st_size for path in files) < 400_000


def test_parameters_of_losses_are_not_the_default():
    huber, quantile = load("huber")[0]["params"], load("quantile")[0]["params"]
    assert huber["delta"] != 1
    assert quantile["tau"] != 0.5


def test_order():
    """One rng.permutation(n) an epoch, from the stored seed."""
    for loss in npreg.LOSSES:
        about, runs = load(loss)
        rng = np.random.default_rng(about["order_seed"])
        for order in next(iter(runs.values())).order:
            np.testing.assert_array_equal(order, rng.permutation(103))


def test_data_iter_replays_the_order():
    run = load("squared")[1]["squared-float64-d2-k1-B10"]
    rng = np.random.default_rng(run.order_seed)
    batches = [batch for _ in run.order for batch in npreg.data_iter(10, run.features, run.labels, rng=rng)]
    stored = list(run.minibatches())
    assert len(batches) == len(stored) == 44
    for (X, y), rows in zip(batches, stored, strict=True):
        np.testing.assert_array_equal(X, run.features[rows])
        np.testing.assert_array_equal(y, run.labels[rows])


@by_name
def test_gradients(run):
    check_gradients(run)


@by_name
@pytest.mark.parametrize("engine", ENGINES)
def test_runs(run, engine):
    if engine == "moments" and not run.loss.is_squared:
        with pytest.raises(ValueError, match="is for the squared loss"):
            run_differences(run, engine)
        return
    check_run(run, engine)


@by_name
def test_the_functions_of_the_notebook(run):
    """The loop as the README writes it, against the stored runs."""
    w, b = run.start["w"].copy(), run.start["b"].copy()
    rng = np.random.default_rng(run.order_seed)
    bound = PARAMETER_BOUND[run.features.dtype.name]
    for expected in run.epochs[1:]:
        for X, y in npreg.data_iter(run.batch_size, run.features, run.labels, rng=rng):
            y_hat = npreg.linreg(X, w, b)
            grad_w, grad_b = npreg.linreg_backward(X, run.loss.grad(y_hat, y))
            npreg.sgd([w, b], [grad_w, grad_b], run.lr, run.batch_size)
        assert np.abs(np.vstack([w, b]) - expected).max() <= bound * np.abs(expected).max()


RULES = {
    "momentum": (npreg.Momentum(0.8), 0),
    "nesterov": (npreg.Nesterov(0.8), 0),
    "adam": (npreg.Adam(), 0),
    "adam-other": (npreg.Adam(0.7, 0.95, 1e-3), 0.1),
    "adagrad": (npreg.AdaGrad(), 0),
    "adagrad-other": (npreg.AdaGrad(0.1), 0.1),
}


@pytest.mark.parametrize("engine", ["loop", "tight", "auto"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_rules(name, dtype, engine):
    """torch.optim's SGD with momentum, Adam and Adagrad, with weight decay as the L2 penalty of w."""
    with np.load(FIXTURES / "pytorch_rules.npz") as file:
        X, y = file["features"][:, :5].astype(dtype), file["labels"][:, :2].astype(dtype)
        epochs = file[f"{name}-{dtype}"]
    rule, l2 = RULES[name]
    run = npreg.train(
        X, y, w=epochs[0, :-1], b=epochs[0, -1], rule=rule, l2=l2, lr=0.05, num_epochs=4, rng=7,
        callbacks=npreg.Record("epoch"), engine=engine,
    )  # fmt: skip
    found = np.concatenate([run.trajectory.w, run.trajectory.b[:, None]], axis=1)
    assert np.abs(found - epochs).max() <= 10 * PARAMETER_BOUND[dtype] * np.abs(epochs).max()
    assert np.abs(epochs[-1] - epochs[0]).max() > 0.1


@pytest.mark.torch
@by_name
def test_three_ways(run):
    """Stored, recomputed by the torch that is installed, and npreg's."""
    pytest.importorskip("torch")
    script = runpy.run_path(str(FIXTURES / "make_pytorch_fixtures.py"))
    data, order = script["make_data"](), script["make_order"]()
    loss, dtype, d, k, B = run.name.split("-")
    case = script["Case"](loss, dtype, int(d[1:]), int(k[1:]), int(B[1:]))
    live = run._replace(
        **script["train_with_torch"](case, data["features"], data["labels"], order, script["make_start"](case))
    )
    np.testing.assert_array_equal(live.order, order)
    np.testing.assert_array_equal(live.features, data["features"][:, : case.num_features].astype(dtype))
    bound = PARAMETER_BOUND[dtype]
    np.testing.assert_array_equal(live.epochs[0], run.epochs[0])
    assert np.abs(live.epochs - run.epochs).max() <= bound * np.abs(run.epochs).max()
    np.testing.assert_allclose(live.losses, run.losses, rtol=LOSS_BOUND[dtype])
    check_gradients(live)
    for engine in ENGINES:
        if engine != "moments" or run.loss.is_squared:
            check_run(live, engine)
