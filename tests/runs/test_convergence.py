"""How far a run is from the least loss, and how fast it gets there, against exact solutions."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npreg
from npreg.arrays import Data
from npreg.losses import as_loss
from npreg.runs.convergence import excess
from npreg.runs.feeds import as_feed
from npreg.sgd import as_rule


def problem(n, d, k=1, seed=0, *, offset=0.0, weighted=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) / np.sqrt(d) + offset
    y = X @ rng.standard_normal((d, k)) + rng.standard_normal((n, k)) + 2
    weights = rng.uniform(0.2, 3, n) if weighted else None
    return Data(X, y, weights), rng.standard_normal((d + 1, k))


def objective(data, theta, loss="squared", l2=0.0, l1=0.0):
    values = as_loss(loss).value(data.X @ theta[:-1] + theta[-1], data.y)
    mean = np.average(values.mean(axis=1), weights=data.weights)
    w = theta[:-1]
    return mean + (l2 / 2 * (w**2).sum() + l1 * np.abs(w).sum()) / theta.shape[1]


def ridge(data, l2):
    s = np.ones(len(data.X)) if data.weights is None else data.weights
    A = np.column_stack([data.X, np.ones(len(data.X))])
    root = np.sqrt(s / s.sum())[:, None]
    penalty = np.sqrt(l2) * np.eye(A.shape[1])[:-1]
    rows, labels = np.vstack([root * A, penalty]), np.vstack([root * data.y, 0 * penalty[:, :1] @ data.y[:1]])
    return np.linalg.lstsq(rows, labels, rcond=None)[0]


@settings(max_examples=40)
@given(
    shape=st.sampled_from([(30, 4), (200, 10), (20, 30), (40, 300), (1, 3)]), k=st.integers(1, 3),
    l2=st.sampled_from([0.0, 0.1, 5.0]), weighted=st.booleans(), offset=st.sampled_from([0.0, 1e3]),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_exact_for_the_squared_loss(shape, k, l2, weighted, offset, seed):
    """Also of wide data, where the Gram matrix of rows is used."""
    data, theta = problem(*shape, k, seed, offset=offset, weighted=weighted)
    found = excess(as_feed(data), as_loss("squared"), theta, l2)
    expected = objective(data, theta, l2=l2) - objective(data, ridge(data, l2), l2=l2)
    assert found.exact
    assert found.value == pytest.approx(expected, rel=1e-6, abs=1e-9 * found.constant)
    at_best = excess(as_feed(data), as_loss("squared"), ridge(data, l2), l2)
    assert at_best.value <= 1e-9 * max(found.constant, 1e-3)
    best = np.average(data.y, axis=0, weights=data.weights)
    constant = np.average(((data.y - best) ** 2).mean(axis=1) / 2, weights=data.weights)
    assert found.constant == pytest.approx(constant, abs=1e-12)


@pytest.mark.parametrize("shape", [(40, 3), (20, 300)])
def test_without_an_intercept(shape):
    """b stays what it is: the least loss is that of labels less b, through the origin."""
    data, theta = problem(*shape)
    found = excess(as_feed(data), as_loss("squared"), theta, 0.1, fit_intercept=False)
    A = np.vstack([data.X / np.sqrt(len(data.X)), np.sqrt(0.1) * np.eye(shape[1])])
    labels = np.vstack([(data.y - theta[-1]) / np.sqrt(len(data.X)), np.zeros((shape[1], 1))])
    best = np.vstack([np.linalg.lstsq(A, labels, rcond=None)[0], theta[-1:]])
    assert found.value == pytest.approx(objective(data, theta, l2=0.1) - objective(data, best, l2=0.1))


def test_blocks_give_the_same():
    data, theta = problem(100, 4, weighted=True)
    blocks = npreg.RowBlocks.of(data.X, data.y, 30, data.weights)
    for loss in ("squared", "huber", "absolute"):
        one, other = (excess(as_feed(rows), as_loss(loss), theta, 0.1) for rows in (data, blocks))
        assert one.value == pytest.approx(other.value, rel=0.02)
        assert one.converged == other.converged


@pytest.mark.parametrize("l1", [0.1, 1.0])
def test_exact_with_l1(l1):
    linear_model = pytest.importorskip("sklearn.linear_model")
    data, theta = problem(100, 6)
    best = linear_model.Lasso(alpha=l1, tol=1e-12, max_iter=100_000).fit(data.X, data.y[:, 0])
    lasso = np.append(best.coef_, best.intercept_)[:, None]
    found = excess(as_feed(data), as_loss("squared"), theta, l1=l1)
    expected = objective(data, theta, l1=l1) - objective(data, lasso, l1=l1)
    assert found.value == pytest.approx(expected, rel=1e-8)
    assert excess(as_feed(data), as_loss("squared"), lasso, l1=l1).value == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("loss", ["absolute", "huber", "log_cosh", "quantile"])
@pytest.mark.parametrize(
    ("unit", "outputs"),
    [(1.0, 1), (1e3, 2), *(pytest.param(*more, marks=pytest.mark.slow) for more in [(1.0, 2), (1e3, 1), (1e-3, 2)])],
)
def test_an_estimate_for_other_losses(loss, unit, outputs):
    """Never more than there is; near all of it, far from and near the least loss (which a long run finds)."""
    data, theta = problem(200, 4, outputs)
    data, loss = Data(data.X, unit * data.y, None), as_loss(loss)
    best = npreg.train(data.X, data.y, loss=loss, lr="auto", num_epochs=300, rng=0, w=0 * theta[:-1])
    least = objective(data, np.vstack([best.w, best.b]), loss)
    for share in (1.0, 0.1):
        there = np.vstack([best.w, best.b]) + share * unit * theta
        found, expected = excess(as_feed(data), loss, there), objective(data, there, loss) - least
        assert not found.exact
        assert 0.8 * expected < found.value < 1.02 * expected + 1e-4 * found.constant
        assert found.converged == (found.value <= 0.01 * found.constant)
    assert excess(as_feed(data), loss, np.vstack([best.w, best.b])).converged


def test_of_many_rows_and_columns_a_part_is_told():
    data, theta = problem(600, 300)
    far = excess(as_feed(data), as_loss("squared"), theta)
    exact = objective(data, theta) - objective(data, ridge(data, 0.0))
    assert not far.exact
    assert 0.02 * far.constant < far.value <= exact
    assert far.converged is False
    assert excess(as_feed(data), as_loss("squared"), ridge(data, 0.0)).converged
    assert excess(as_feed(data), as_loss("squared"), theta, l1=1.0).converged is None  # not known


@pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")
@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("average", [0.0, 0.5])
def test_the_steps_that_are_needed(rule, average):
    """With all rows in a minibatch the prediction is exact: one step fewer would not be enough, to 1/16."""
    data, theta = problem(40, 5)
    lr = npreg.learning_rate.RateMoments.of(data.X).bound(40, rule=as_rule(rule)) / 3
    before = excess(as_feed(data), as_loss("squared"), theta)
    target = before.value / 500
    needed = before.speed.steps_needed(target, lr, as_rule(rule), average)
    assert 20 < needed < 5000

    def left(epochs):
        run = npreg.train(
            data.X, data.y, w=theta[:-1], b=theta[-1], lr=lr, rule=rule, average=average, batch_size=40,
            num_epochs=epochs, rng=0,
        )  # fmt: skip
        return excess(as_feed(data), as_loss("squared"), np.vstack([run.w, run.b])).value

    assert left(needed) <= target * (1 + 1e-6)
    assert left(needed) == pytest.approx(before.speed.left(needed, lr, as_rule(rule), average), rel=1e-6)
    assert left(int(needed * 0.8)) > target
    assert before.speed.steps_needed(target, 0.0, as_rule(rule)) is None


def test_of_few_rows_nothing_is_made_that_grows_with_the_square_of_the_columns():
    data, theta = Data(np.random.default_rng(0).standard_normal((20, 3000)), np.ones((20, 1)), None), np.ones((3001, 1))
    tracemalloc.start()
    assert excess(as_feed(data), as_loss("squared"), theta).speed.column < 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * data.X.nbytes  # 3000² would be 150 times as much
