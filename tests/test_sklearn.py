"""MinibatchSGDRegressor: scikit-learn's own checks, and that it is `train` and nothing else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npreg

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from npreg import (
    LOSSES,
    DivergenceError,
    LearningRateWarning,
    Momentum,
    Nesterov,
    least_squares,
    linreg,
    linreg_backward,
    squared_loss_grad,
    train,
)
from npreg.sklearn import MinibatchSGDRegressor

FULL_BATCH = MinibatchSGDRegressor(batch_size=None, max_iter=300)
MINIBATCHES = MinibatchSGDRegressor(max_iter=20)


def expected_failures(estimator: MinibatchSGDRegressor) -> dict[str, str]:
    if estimator.batch_size is None:
        return {}
    return {
        "check_sample_weight_equivalence_on_sparse_data": "as on dense data",
        "check_sample_weight_equivalence_on_dense_data": "a row given twice is drawn twice, into other "
        "minibatches than one row of weight 2: the two are equal in expectation only",
    }


# Where scikit-learn cannot tell that xfail is meant strictly (before 1.8), an unexpected pass is no failure.
@parametrize_with_checks([FULL_BATCH, MINIBATCHES], expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def make_data(seed: int = 0, n: int = 60, d: int = 3, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * [1.0, 10.0, 0.1][:d] + 3.0
    w = rng.standard_normal((d,) if k is None else (d, k))
    return X, X @ w + 0.1 * rng.standard_normal((n,) if k is None else (n, k)) + 2.0


@pytest.mark.parametrize("outputs", [None, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit_is_the_run_of_train(outputs: int | None, weighted: bool) -> None:
    X, y = make_data(k=outputs)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(X)) if weighted else None
    options = {"batch_size": 7, "lr": 0.02, "rule": Momentum(0.5), "l2": 0.01, "l1": 0.001, "average": 0.25}
    model = MinibatchSGDRegressor(max_iter=8, random_state=5, **options).fit(X, y, weight)
    result = train(
        X,
        y,
        num_epochs=8,
        rng=5,
        standardize=True,
        w=np.zeros((3, outputs or 1)),
        b=np.zeros(outputs or 1),
        sample_weight=weight,
        **options,
    )
    coef = result.w[:, 0] if outputs is None else result.w.T
    np.testing.assert_array_equal(model.coef_, coef)
    np.testing.assert_array_equal(model.intercept_, result.b if outputs else result.b[0])
    np.testing.assert_array_equal(model.losses_, result.losses)
    assert (model.n_iter_, model.n_steps_, model.lr_) == (8, 8 * 9, 0.02)
    assert model.predict(X).shape == y.shape
    np.testing.assert_allclose(model.predict(X), result.predict(X).reshape(y.shape), rtol=1e-12)


@pytest.mark.parametrize(("batch_size", "epochs"), [(10, 834), (None, 5000), (60, 5000), (1, 84)])
def test_epochs_by_default_make_5000_steps(batch_size: int | None, epochs: int) -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(batch_size=batch_size, random_state=0).fit(X, y)
    assert model.n_iter_ == epochs
    exact = least_squares(X, y)
    np.testing.assert_allclose(model.coef_ * X.std(axis=0), exact.w[:, 0] * X.std(axis=0), atol=0.02)


def test_ten_epochs_at_least() -> None:
    X, y = make_data(n=6000, d=1)
    assert MinibatchSGDRegressor(random_state=0).fit(X, y).n_iter_ == 10


def test_float32_stays() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(max_iter=2, random_state=0).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == model.predict(X.astype(np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match="inf"):
        model.fit(X.astype(np.float32), 1e200 * y)


# partial_fit: one step, by hand.


def by_hand(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean gradient of the squared loss over the rows."""
    grad_w, grad_b = linreg_backward(X, squared_loss_grad(linreg(X, w, b), y))
    return grad_w / len(X), grad_b / len(X)


def test_partial_fit_is_one_step_of_the_mean_gradient() -> None:
    X, y = make_data(n=30)
    w, b = np.zeros((3, 1)), np.zeros(1)
    v_w, v_b = np.zeros((3, 1)), np.zeros(1)
    plain = MinibatchSGDRegressor(lr=0.005, l2=0.3)
    heavy = MinibatchSGDRegressor(lr=0.001, rule="momentum", schedule=lambda calls: 1 / (1 + calls))
    heavy_w, heavy_b = w.copy(), b.copy()
    starts = [0, 4, 15, 16, 30]  # any number of rows makes a minibatch, also one
    for call, (start, end) in enumerate(pairwise(starts)):
        rows = slice(start, end)
        grad_w, grad_b = by_hand(X[rows], y[rows], w, b)
        w, b = w - 0.005 * (grad_w + 0.3 * w), b - 0.005 * grad_b
        assert plain.partial_fit(X[rows], y[rows]) is plain
        np.testing.assert_allclose(plain.coef_, w[:, 0], rtol=1e-12)
        np.testing.assert_allclose(plain.intercept_, b[0], rtol=1e-12)

        grad_w, grad_b = by_hand(X[rows], y[rows], heavy_w, heavy_b)
        v_w, v_b = 0.9 * v_w + grad_w, 0.9 * v_b + grad_b
        rate = 0.001 / (1 + call)
        heavy_w, heavy_b = heavy_w - rate * v_w, heavy_b - rate * v_b
        heavy.partial_fit(X[rows], y[rows])
        np.testing.assert_allclose(heavy.coef_, heavy_w[:, 0], rtol=1e-12)
        np.testing.assert_allclose(heavy.intercept_, heavy_b[0], rtol=1e-12)
    assert plain.n_steps_ == heavy.n_steps_ == 4


@pytest.mark.parametrize("rule", ["sgd", "momentum", Nesterov(0.5)])
def test_partial_fit_over_minibatches_is_an_epoch_of_fit(rule: Any) -> None:
    X, y = make_data(n=40, k=2)
    settings: dict[str, Any] = {"lr": 0.0003, "rule": rule, "loss": LOSSES["huber"].bind(delta=2.0)}
    whole = MinibatchSGDRegressor(
        batch_size=8, standardize=False, average=0, max_iter=2, random_state=3, **settings
    ).fit(X, y)
    steps, rng = MinibatchSGDRegressor(**settings), np.random.default_rng(3)
    for _ in range(2):
        order = rng.permutation(40)
        for start in range(0, 40, 8):
            rows = order[start : start + 8]
            steps.partial_fit(X[rows], y[rows])
    np.testing.assert_allclose(steps.coef_, whole.coef_, rtol=1e-10)
    np.testing.assert_allclose(steps.intercept_, whole.intercept_, rtol=1e-10)


@pytest.mark.parametrize("rows", [20, 50, 100])
def test_partial_fit_with_lr_auto_ends_where_fit_does(rows: int) -> None:
    """Raw columns, as they arrive: within 0.02 of the R² of `fit`."""
    rng = np.random.default_rng(0)
    scales, offsets = [1, 1e3, 1e-3, 10, 5, 1], [0, 1e5, 0, 3, 100, -7]
    X = rng.standard_normal((5000, 6)) @ rng.standard_normal((6, 6)) * scales + offsets
    y = X @ [1, 1e-3, 1e3, 0.1, 0.2, 1] + 2 * rng.standard_normal(5000)
    model = MinibatchSGDRegressor()
    for start in range(0, 5000, rows):
        model.partial_fit(X[start : start + rows], y[start : start + rows])
        assert 0 < model.lr_ < 2  # columns have variance 1: no bound can be larger
    assert model.score(X, y) > MinibatchSGDRegressor(random_state=0).fit(X, y).score(X, y) - 0.02


def test_partial_fit_that_diverges_changes_nothing() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(lr=1e-3, rule="momentum").partial_fit(X[:10], y[:10])
    twin = pickle.loads(pickle.dumps(model))
    with pytest.raises(DivergenceError):
        model.set_params(lr=1e200).partial_fit(X, y)
    model.set_params(lr=1e-3)
    np.testing.assert_array_equal(model.coef_, twin.coef_)
    assert model.n_steps_ == 1
    np.testing.assert_array_equal(model.partial_fit(X, y).coef_, twin.partial_fit(X, y).coef_)


def test_partial_fit_keeps_the_state_of_a_rule_of_ones_own() -> None:
    class Heavy:  # without an __eq__
        def init(self, params: Any) -> Any:
            return Momentum(0.9).init(params)

        def update(self, grads: Any, state: Any) -> Any:
            return [part.copy() for part in Momentum(0.9).update(grads, state)]

    X, y = make_data()
    own, known = (MinibatchSGDRegressor(lr=1e-3, rule=rule) for rule in (Heavy(), "momentum"))
    for _ in range(3):
        np.testing.assert_array_equal(own.partial_fit(X, y).coef_, known.partial_fit(X, y).coef_)


def test_partial_fit_scales_sparse_columns_and_centres_none(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr("npreg.arrays.sparse.DENSE_BYTES", 0)
    X, y = make_data()
    X[X < 0] = 0
    sd = X.std(axis=0)
    model = MinibatchSGDRegressor().partial_fit(sparse.csr_matrix(X), y)
    scaled = MinibatchSGDRegressor(standardize=False).partial_fit(X / sd, y)
    assert model.lr_ == pytest.approx(scaled.lr_, rel=1e-12)
    np.testing.assert_allclose(model.coef_ * sd, scaled.coef_, rtol=1e-10)


def test_partial_fit_goes_on_from_fit() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(random_state=0).fit(X, y)
    coef = model.coef_.copy()
    model.set_params(lr=1e-3).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, coef, atol=0.05)
    assert model.n_steps_ == 834 * 6 + 1
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y)


# Weights.


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(st.integers(0, 4), min_size=12, max_size=12).filter(any), st.booleans(), st.data())
def test_in_full_batch_a_weight_is_a_repetition(weights: list[int], by_steps: bool, data: Any) -> None:
    """Exactly, also for zeros, any common factor, standardised or not, penalised or not."""
    X, y = make_data(n=12)
    factor = data.draw(st.sampled_from([1.0, 0.01, 300.0]))
    model = MinibatchSGDRegressor(
        batch_size=None,
        max_iter=40,
        l2=data.draw(st.sampled_from([0.0, 0.1])),
        l1=data.draw(st.sampled_from([0.0, 0.1])),
        standardize=data.draw(st.booleans()),
        rule=data.draw(st.sampled_from(["sgd", "momentum"])),
        random_state=0,
    )
    weighted, repeated = clone(model), clone(model)
    if by_steps:
        for _ in range(5):
            weighted.partial_fit(X, y, factor * np.array(weights))
            repeated.partial_fit(X.repeat(weights, axis=0), y.repeat(weights))
    else:
        weighted.fit(X, y, factor * np.array(weights))
        repeated.fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-7, atol=1e-9)


def test_weights_of_extreme_size() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(batch_size=None, max_iter=20, random_state=0)
    coef = model.fit(X, y).coef_
    for weight in (1e-300, 1e300):
        np.testing.assert_allclose(clone(model).fit(X, y, np.full(60, weight)).coef_, coef, rtol=1e-9)


# What scikit-learn's users do with estimators.


def test_random_state() -> None:
    X, y = make_data()

    def coef(state: Any) -> list[float]:
        return list(MinibatchSGDRegressor(max_iter=2, random_state=state).fit(X, y).coef_)

    assert coef(1) == coef(np.int64(1)) != coef(2)
    assert coef(np.random.RandomState(1)) == coef(np.random.RandomState(1)) != coef(np.random.RandomState(2))
    once = np.random.RandomState(1)
    assert coef(once) != coef(once)
    np.random.seed(7)  # noqa: NPY002 — None means this global state in scikit-learn
    first = coef(None)
    assert first != coef(None)
    np.random.seed(7)  # noqa: NPY002
    assert first == coef(None)
    for bad in (-1, "0", 1.5):
        with pytest.raises(ValueError, match=r"[Ss]eed"):
            coef(bad)


def test_in_pipeline_grid_search_and_pickle() -> None:
    X, y = make_data()
    pipeline = make_pipeline(StandardScaler(), MinibatchSGDRegressor(random_state=0, max_iter=20))
    grid = {
        "minibatchsgdregressor__loss": ["squared", LOSSES["huber"].bind(delta=5.0)],
        "minibatchsgdregressor__l2": [0.0, 100.0],
        "minibatchsgdregressor__rule": [Momentum(0.5), "sgd"],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_["minibatchsgdregressor__l2"] == 0.0
    assert search.best_score_ > 0.99
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    copy = clone(search.best_estimator_)
    with pytest.raises(NotFittedError):
        copy.predict(X)
    assert copy.fit(X, y).score(X, y) == search.score(X, y)
    scores = cross_val_score(TransformedTargetRegressor(pipeline, transformer=StandardScaler()), X, y)
    assert scores.min() > 0.99


def test_a_pickled_model_goes_on_alike() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(lr=1e-3, rule="nesterov").partial_fit(X, y).partial_fit(X, y)
    other = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    np.testing.assert_array_equal(model.partial_fit(X, y).coef_, other.coef_)


def test_pandas_and_feature_names() -> None:
    pd = pytest.importorskip("pandas")
    X, y = make_data(k=2)
    frame, labels = pd.DataFrame(X, columns=["a", "b", "c"]), pd.DataFrame(y, columns=["p", "q"])
    before = frame.copy(), labels.copy()
    model = make_pipeline(StandardScaler(), MinibatchSGDRegressor(random_state=0, max_iter=50))
    model.set_output(transform="pandas").fit(frame, labels)
    regressor = model[-1]
    assert list(regressor.feature_names_in_) == ["a", "b", "c"]
    assert regressor.n_features_in_ == 3
    assert model.score(frame, labels) > 0.99
    pd.testing.assert_frame_equal(frame, before[0])
    pd.testing.assert_frame_equal(labels, before[1])
    with pytest.raises(ValueError, match="feature names"):
        regressor.predict(frame[["c", "b", "a"]])
    with pytest.raises(ValueError, match="feature names"):
        regressor.partial_fit(frame.rename(columns={"a": "x"}), labels)
    weighted = MinibatchSGDRegressor(max_iter=1).fit(frame, labels, pd.Series(np.ones(60)))
    assert weighted.coef_.shape == (2, 3)


def test_early_stopping() -> None:
    X, y = make_data(n=100)
    settings: dict[str, Any] = {"early_stopping": True, "random_state": 0, "max_iter": 500}
    model = MinibatchSGDRegressor(n_iter_no_change=3, tol=1e-4, validation_fraction=0.2, **settings).fit(X, y)
    assert model.n_iter_ < 500
    assert len(model.validation_losses_) == len(model.losses_) == model.n_iter_
    best = min(model.validation_losses_[:-3])
    assert min(model.validation_losses_[-3:]) >= best - 1e-4
    with pytest.raises(ValueError, match="n_iter_no_change"):
        MinibatchSGDRegressor(n_iter_no_change=0, **settings).fit(X, y)
    with pytest.raises(ValueError, match="validation"):
        MinibatchSGDRegressor(validation_fraction=1.5, **settings).fit(X, y)
    assert MinibatchSGDRegressor(max_iter=1).fit(X, y).validation_losses_ is None


def test_warm_start() -> None:
    X, y = make_data()
    cold = MinibatchSGDRegressor(max_iter=3, average=0, random_state=0)
    warm = clone(cold).set_params(warm_start=True)
    np.testing.assert_array_equal(cold.fit(X, y).coef_, warm.fit(X, y).coef_)
    assert cold.fit(X, y).losses_[0] > warm.fit(X, y).losses_[0]
    assert warm.losses_[0] < 1.1 * cold.losses_[-1]


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"max_iter": 0}, "max_iter"),
        ({"max_iter": 2.5}, "max_iter"),
        ({"batch_size": 0}, "batch_size"),
        ({"loss": "squared_error"}, "loss"),
        ({"lr": -1.0}, "lr"),
        ({"lr": "fast"}, "lr"),
        ({"l2": -1.0}, "l2"),
        ({"l1": np.nan}, "l1"),
        ({"average": 1.0}, "average"),
        ({"rule": "adamax"}, "rule"),
        ({"schedule": 3}, "schedule"),
        ({"tol": -1.0}, "tol"),
    ],
)
def test_settings_out_of_range_are_refused(bad: dict[str, Any], name: str) -> None:
    X, y = make_data()
    with pytest.raises((ValueError, TypeError), match=name):
        MinibatchSGDRegressor(**bad).fit(X, y)


def test_a_run_that_diverges_is_no_silent_failure() -> None:
    X, y = make_data()
    model = MinibatchSGDRegressor(max_iter=3).fit(X, y)
    coef = model.coef_.copy()
    with pytest.warns(LearningRateWarning), pytest.raises(DivergenceError):
        model.set_params(lr=30.0, max_iter=500, batch_size=2).fit(X, y)
    np.testing.assert_array_equal(model.coef_, coef)


def test_without_scikit_learn() -> None:
    program = (
        "import sys; import npreg; assert not any(m.split('.')[0] == 'sklearn' for m in sys.modules)\n"
        "sys.modules['sklearn'] = None\n"
        "try: import npreg.sklearn\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'python -m pip install ".[sklearn]"' in done.stdout


def test_row_blocks():
    """The run of `train` over the same blocks; labels and weights come with them."""
    X, y = npreg.synthetic_data([2, -3.4, 1], 4.2, 1000, rng=0, dtype=np.float64)
    blocks = npreg.RowBlocks.of(X, y, 300)
    model = MinibatchSGDRegressor(random_state=0, max_iter=3).fit(blocks)
    run = npreg.train(blocks, lr="auto", rng=0, num_epochs=3, w=np.zeros((3, 1)), b=np.zeros(1))
    np.testing.assert_array_equal(model.coef_, run.w[:, 0])
    assert model.n_features_in_ == 3
    assert model.score(X, y) > 0.999
    with pytest.raises(TypeError, match="bring their own y"):
        model.fit(blocks, y)
