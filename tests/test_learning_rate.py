"""The bound of the learning rate: its definition, its laws, that it is safe, and what is said beyond it."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive import make_data

import npreg
from npreg.learning_rate import RateMoments

DIABETES = Path(__file__).parents[1] / "examples" / "data" / "diabetes.csv"


def diabetes():
    """The raw columns of Efron et al. 2004, on scales from 0.4 to 47, and the progression of the disease."""
    with DIABETES.open(encoding="utf-8") as file:
        rows = list(csv.reader(line for line in file if not line.startswith("#")))
    data = np.array([[float(value) for value in row] for row in rows[1:]])
    return data[:, :-1], data[:, -1]


def r_squared(X, y, w, b):
    return float(1 - ((y - X @ w[:, 0] - b[0]) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def by_definition(X, batch_size, weights=None, l2=0.0):
    """2B / (κ + (B − 1) λ), with κ by generalised eigenvalues; 2B / (n λ) where B ≥ n."""
    rows = np.column_stack([X, np.ones(len(X))])
    if weights is not None:
        rows = rows * np.sqrt(weights)[:, None]
    second = rows.T @ rows / len(rows)
    fourth = (rows * (rows**2).sum(axis=1, keepdims=True)).T @ rows / len(rows)
    largest = np.linalg.eigvalsh(second)[-1]
    if batch_size >= len(rows):
        curvature = len(rows) * largest / batch_size
    else:
        kappa = np.linalg.eigvals(np.linalg.solve(second, fourth)).real.max()
        curvature = (kappa + (batch_size - 1) * largest) / batch_size
    return 2 / (curvature + 2 * l2)


@settings(max_examples=40)
@given(
    n=st.integers(10, 80), d=st.integers(1, 6), batch_size=st.integers(1, 100), seed=st.integers(0, 2**32),
    l2=st.sampled_from([0.0, 0.5]), weighted=st.booleans(),
)  # fmt: skip
def test_definition(n, d, batch_size, seed, l2, weighted):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.uniform(0.3, 3, d) + rng.standard_normal(d)
    weights = rng.uniform(0.1, 2, n) if weighted else None
    got = npreg.max_learning_rate(X, batch_size, l2=l2, sample_weight=weights)
    assert got == pytest.approx(by_definition(X, batch_size, weights, l2), rel=1e-8)


@settings(max_examples=30)
@given(batch_size=st.integers(1, 50), seed=st.integers(0, 2**32))
def test_laws(batch_size, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((50, 3)) + rng.standard_normal(3)
    bound = npreg.max_learning_rate(X, batch_size)
    squares = (X**2).sum(axis=1) + 1
    assert bound >= 2 / squares.max() * (1 - 1e-12)  # κ ≤ max ‖x̃‖²
    assert npreg.max_learning_rate(X, batch_size + 1) >= bound * (
        1 - 1e-12
    )  # larger minibatches, larger steps
    shuffled = rng.permutation(50)
    assert npreg.max_learning_rate(X[shuffled][:, ::-1], batch_size) == pytest.approx(bound, rel=1e-9)
    assert npreg.max_learning_rate(np.repeat(X, 2, axis=0), min(batch_size, 49)) == pytest.approx(
        npreg.max_learning_rate(X, min(batch_size, 49)), rel=1e-9
    )
    assert npreg.max_learning_rate(np.column_stack([X, X[:, 0]]), batch_size) <= bound * (1 + 1e-9)


def test_large_columns():
    """The bound goes with 1 / features² once a column is large."""
    X = np.random.default_rng(0).standard_normal((200, 2))
    for batch_size in (1, 10, 200):
        one, ten = (npreg.max_learning_rate(X * [1, scale], batch_size) for scale in (1e4, 1e5))
        assert one / ten == pytest.approx(100, rel=1e-3)


def test_degenerate_data():
    """Constant, duplicate and empty columns, one row: a positive finite bound, and no warning."""
    X = np.random.default_rng(0).standard_normal((30, 2))
    for features in (
        np.column_stack([X, X[:, 0]]),
        np.column_stack([X, np.zeros(30)]),
        np.column_stack([X, np.ones(30)]),
        np.zeros((30, 2)),
        X[:1],
        np.column_stack([X, 1e6 * X[:, 0]]),
        X + 1e6,
    ):
        for batch_size in (1, 7, 30, 100):
            bound = npreg.max_learning_rate(features, batch_size)
            assert 0 < bound < np.inf
            run = npreg.train(features, X[: len(features), 0], batch_size=batch_size, lr=0.9 * bound, rng=0)
            assert np.isfinite(run.losses).all()
    assert npreg.max_learning_rate(np.zeros((5, 1)), 5) == pytest.approx(2)  # the intercept alone: 2 / 1


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32), batch_size=st.sampled_from([1, 2, 10, 40, 60]), scale=st.floats(-3, 3),
    offset=st.sampled_from([0.0, 1.0, 30.0]), weighted=st.booleans(),
)  # fmt: skip
def test_below_the_bound_runs_stay_bounded(seed, batch_size, scale, offset, weighted):
    """On labels without noise every step below the bound may only help, in the mean; here for 300 epochs."""
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((40, 3)) * rng.uniform(0.3, 3, 3) + offset) * 10**scale
    y = X @ rng.standard_normal(3) + 1
    weights = rng.uniform(0, 2, 40) if weighted and batch_size < 40 else None
    lr = 0.95 * npreg.max_learning_rate(X, batch_size, sample_weight=weights)
    run = npreg.train(
        X, y, batch_size=batch_size, lr=lr, num_epochs=300, rng=seed, w=[0, 0, 0], b=0,
        sample_weight=weights, check_lr="error",
    )  # fmt: skip
    assert run.losses[-1] <= max(run.losses[0], (y**2).mean() / 2)


def test_full_batch_bound_is_exact():
    X, y, _, _ = make_data(30, 3, 1)
    for batch_size in (30, 75):
        bound = npreg.max_learning_rate(X, batch_size)
        options = {"batch_size": batch_size, "num_epochs": 2000, "rng": 0, "check_lr": "off"}
        start = npreg.train(X, y, lr=0, **options).losses[0]
        assert npreg.train(X, y, lr=0.999 * bound, **options).losses[-1] < start
        with pytest.raises(npreg.DivergenceError):
            npreg.train(X, y, lr=1.05 * bound, **options)


def test_moments_of_blocks_add_up():
    X = np.random.default_rng(0).standard_normal((100, 3))
    parts = [RateMoments.of(X[start : start + 30]) for start in range(0, 100, 30)]
    whole = parts[0] + parts[1] + parts[2] + parts[3]
    for batch_size in (1, 10, 100):
        assert whole.bound(batch_size) == pytest.approx(npreg.max_learning_rate(X, batch_size), rel=1e-12)


# --- warnings before the first step -------------------------------------------------------------------------


def test_beyond_the_bound():
    X, y, _, _ = make_data(200, 3, 1)
    X[:, 1] *= 500
    bound = npreg.max_learning_rate(X, 10)
    options = {"lr": 1.5 * bound, "num_epochs": 0, "rng": 0}
    with pytest.warns(npreg.LearningRateWarning) as caught:
        npreg.train(X, y, **options)
    text = str(caught[0].message)
    assert f"lr = {1.5 * bound:g} is beyond {bound:.3g}" in text
    assert "scale column 1" in text
    assert "standardize=True" in text
    assert caught[0].filename == __file__  # points at the caller
    with pytest.raises(ValueError, match=r"is beyond .*scale column 1"):
        npreg.train(X, y, check_lr="error", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        npreg.train(X, y, check_lr="off", **options)
        npreg.train(X, y, **{**options, "lr": 0.99 * bound})
        npreg.train(X, y, **options, loss="absolute")  # the bound is the squared loss's


def test_even_columns_are_not_blamed():
    X, y, _, _ = make_data(200, 3, 1)
    with pytest.warns(npreg.LearningRateWarning, match='smaller lr, or lr="auto"$'):
        npreg.train(X, y, lr=10, num_epochs=0)


@settings(max_examples=40)
@example(seed=0, d=80, batch_size=300, factor=0.99)
@given(
    seed=st.integers(0, 2**32), d=st.sampled_from([1, 3, 80]), batch_size=st.sampled_from([1, 10, 150, 300]),
    factor=st.sampled_from([0.5, 0.99, 1.01, 2.0]),
)  # fmt: skip
def test_warns_exactly_beyond_the_bound(seed, d, batch_size, factor):
    """The cheap bounds that spare the eigenvalues never hide a warning (all rows are looked at here)."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((150, d)) * rng.uniform(0.3, 30, d), rng.standard_normal(150)
    lr = factor * npreg.max_learning_rate(X, batch_size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        npreg.train(X, y, batch_size=batch_size, lr=lr, num_epochs=0, rng=0)
    assert [w.category for w in caught] == [npreg.LearningRateWarning] * (factor > 1)


# --- raw, unscaled data -----------------------------------------------------------------------------------


def test_raw_diabetes_at_the_default_rate():
    X, y = diabetes()
    warns = pytest.warns(npreg.LearningRateWarning, match="scale column")
    with warns, pytest.raises(npreg.DivergenceError):
        npreg.train(X, y, lr=0.03, num_epochs=20, rng=0)
    with pytest.raises(ValueError, match="is beyond"):
        npreg.train(X, y, lr=0.03, check_lr="error")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_raw_diabetes_with_auto(seed):
    """5 epochs are enough for an R² within 0.02 of least squares (measured: 0.0031; after 50: 0.00013)."""
    X, y = diabetes()
    exact = npreg.least_squares(X, y)
    best = r_squared(X, y, exact.w.reshape(-1, 1), np.reshape(exact.b, 1))
    for epochs, gap in ((5, 0.02), (50, 0.001)):
        run = npreg.train(X, y, lr="auto", num_epochs=epochs, rng=seed)
        assert r_squared(X, y, run.w, run.b) > best - gap


def test_auto_is_half_the_bound():
    X, y, _, _ = make_data(100, 3, 1)
    for batch_size in (1, 10, 100, 1000):
        run = npreg.train(X, y, lr="auto", standardize=False, batch_size=batch_size, l2=0.1, rng=0)
        assert run.lr == pytest.approx(npreg.max_learning_rate(X, batch_size, l2=0.1) / 2)
    calm = npreg.train(X, y, lr="auto", standardize=False, rule=npreg.Momentum(0.8), rng=0)
    assert calm.lr == pytest.approx(npreg.max_learning_rate(X, 10) / 10)


@pytest.mark.parametrize("loss", ["squared", "huber", "log_cosh"])
def test_auto_on_hard_data(loss):
    """Scales from 1e-3 to 1e3, an offset of 1e6: no divergence, whatever the rule."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4)) * [1e-3, 1, 30, 1e3] + [0, 1e6, 0, 5]
    y = (X - X.mean(axis=0)) @ [100, 1, 0.1, 0.01] + 7
    for rule in ("sgd", "momentum", "nesterov"):
        run = npreg.train(X, y, lr="auto", loss=loss, rule=rule, num_epochs=100, rng=0, w=[0] * 4)
        assert run.losses[-1] < 0.2 * npreg.LOSSES[loss].value(0 * y, y - y.mean()).mean()
