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
from npreg.sgd import as_rule

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
        rows = rows * np.sqrt(weights / weights.mean())[:, None]
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
    assert npreg.max_learning_rate(X, batch_size + 1) >= bound * (1 - 1e-12)  # larger minibatches, larger steps
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
        sample_weight=weights,
    )  # fmt: skip
    assert run.losses[-1] <= max(run.losses[0], (y**2).mean() / 2)


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
def test_full_batch_bound_is_exact():
    X, y, _, _ = make_data(30, 3, 1)
    for batch_size in (30, 75):
        bound = npreg.max_learning_rate(X, batch_size)
        options = {"batch_size": batch_size, "num_epochs": 2000, "rng": 0}
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
    with pytest.raises(npreg.LearningRateWarning, match=r"is beyond .*scale column 1"):
        npreg.train(X, y, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        npreg.train(X, y, **{**options, "lr": 0.99 * bound})


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
    with pytest.raises(npreg.LearningRateWarning, match="is beyond"):
        npreg.train(X, y, lr=0.03)


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
        run = npreg.train(X, y, lr="auto", standardize=False, batch_size=batch_size, l2=0.1, rng=0, num_epochs=2)
        assert run.lr == pytest.approx(npreg.max_learning_rate(X, batch_size, l2=0.1) / 2)
    rule = npreg.Momentum(0.8)
    heavy = npreg.train(X, y, lr="auto", standardize=False, rule=rule, rng=0, num_epochs=2)
    assert heavy.lr == pytest.approx(RateMoments.of(X).bound(10, rule=rule) / 2)
    assert heavy.lr > 0.3 * npreg.max_learning_rate(X, 10) / 2  # momentum pays: more than 1 − β of plain SGD's


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32), batch_size=st.sampled_from([1, 7, 10, 20, 30, 39, 40, 60]),
    beta=st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]), nesterov=st.booleans(),
    offset=st.sampled_from([0.0, 1.0, 30.0]), far=st.sampled_from([1.0, 100.0]),
)  # fmt: skip
@example(seed=0, batch_size=39, beta=0.5, nesterov=False, offset=0.0, far=1.0)  # two unequal steps an epoch
@example(seed=0, batch_size=9, beta=0.9, nesterov=False, offset=0.0, far=1.0)  # five, of which one is short
@example(seed=0, batch_size=1, beta=0.99, nesterov=False, offset=0.0, far=100.0)  # one row, once an epoch
def test_below_the_bound_of_momentum_runs_stay_bounded(seed, batch_size, beta, nesterov, offset, far):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 3)) * rng.uniform(0.3, 3, 3) + offset
    X[0] *= far
    y = X @ rng.standard_normal(3) + 1
    rule = npreg.Nesterov(beta) if nesterov else npreg.Momentum(beta)
    bound = RateMoments.of(X).bound(batch_size, rule=rule)
    assert bound >= (1 - beta) * npreg.max_learning_rate(X, batch_size) * (1 - 1e-12)
    run = npreg.train(
        X, y, batch_size=batch_size, lr=0.9 * bound, rule=rule, num_epochs=200, rng=seed, w=[0, 0, 0],
        b=0,
    )  # fmt: skip
    assert run.losses[-20:].max() <= max(run.losses[0], (y**2).mean() / 2)


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
def test_full_batch_bound_of_every_rule_is_exact(rule):
    X, y, _, _ = make_data(30, 3, 1)
    bound = RateMoments.of(X).bound(30, rule=as_rule(rule))
    options = {"batch_size": 30, "num_epochs": 3000, "rng": 0, "rule": rule}
    assert npreg.train(X, y, lr=0.99 * bound, **options).losses[-1] < 1.1 * npreg.train(X, y, lr=0).losses[0]
    with pytest.raises(npreg.DivergenceError):
        npreg.train(X, y, lr=1.02 * bound, **options)


@pytest.mark.parametrize("n", [30, 700])
def test_the_bound_of_wide_data(n):
    """From the Gram matrix of rows: exact up to 512 rows, and a sample raised by a quarter beyond."""
    X = np.random.default_rng(0).standard_normal((n, 300)) * np.geomspace(3, 0.1, 300)
    rows = np.column_stack([X, np.ones(n)])
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    left = left[:, singular > 1e-10 * singular[0]]
    kappa = np.linalg.eigvalsh(left.T @ (left * (rows**2).sum(axis=1, keepdims=True)))[-1]
    for batch_size in (1, 10, n):
        noise, slope = kappa / batch_size, (batch_size - 1) / batch_size * singular[0] ** 2 / n
        exact = 2 / (noise + slope) if batch_size < n else 2 / (singular[0] ** 2 / n)
        got = npreg.max_learning_rate(X, batch_size)
        assert got == pytest.approx(exact, rel=1e-8) if n == 30 else exact / 2 < got < exact
    parts = RateMoments.of(X[: n // 2]) + RateMoments.of(X[n // 2 :])
    assert 0.5 < parts.bound(10) / npreg.max_learning_rate(X, 10) < 1.5
    assert len(parts.rows) <= 512
    assert not parts.second.size


# --- every loss, every rule ---------------------------------------------------------------------------------

LOSSES = [*npreg.LOSSES, npreg.LOSSES["quantile"].bind(tau=0.3), npreg.LOSSES["huber"].bind(delta=0.01)]
RULES = ["momentum", "nesterov", "adam", "adagrad"]
PAIRS = [(loss, "sgd") for loss in LOSSES] + [(loss, rule) for loss in ("huber", "absolute") for rule in RULES]


@pytest.mark.parametrize("unit", [pytest.param(1e-6, marks=pytest.mark.slow), 1e6])
@pytest.mark.parametrize(("loss", "rule"), PAIRS, ids=lambda value: str(getattr(value, "params", value)))
def test_units_of_labels_never_matter(loss, unit, rule):
    """lr="auto" explains the labels in any units, with any loss and rule; the worst gap measured is 0.01."""
    X, y, _, _ = make_data(100, 3, 1)
    y = y[:, 0] + 5
    best = npreg.least_squares(X, y)
    run = npreg.train(X, unit * y, lr="auto", loss=loss, rule=rule, num_epochs=100, rng=0, w=[0] * 3)
    best = r_squared(X, y, best.w, best.b)
    assert r_squared(X, unit * y, run.w, run.b) > best - 0.05


@pytest.mark.parametrize(
    ("loss", "rule", "lr"),
    [
        ("huber", "sgd", 0.03), ("log_cosh", "sgd", 0.03), ("absolute", "sgd", 100.0),
        ("quantile", "sgd", 500.0),
        ("squared", "momentum", 1.0), ("huber", "nesterov", 1.0), ("squared", "adam", 100.0),
        ("absolute", "adagrad", 100.0),
        ((lambda y_hat, y: (y_hat - y) ** 2, lambda y_hat, y: 2 * (y_hat - y)), "sgd", 0.7),
    ],
)  # fmt: skip
def test_every_rule_and_loss_is_looked_at(loss, rule, lr):
    X, y, _, _ = make_data(100, 3, 1)
    X = 50 * X if loss in ("huber", "log_cosh") and rule == "sgd" else X
    options = {"loss": loss, "rule": rule, "num_epochs": 0, "rng": 0}
    with pytest.raises(npreg.LearningRateWarning, match=r"is beyond .*take a smaller lr, or lr=\"auto\""):
        npreg.train(X, y, lr=lr, **options)
    npreg.train(X, y, lr=lr / 10_000, **options)
    npreg.train(X, y, lr="auto", **options)  # the cure
