"""A sweep is `train`, setting by setting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import make_data

import npreg

pytestmark = pytest.mark.filterwarnings("ignore::npreg.LearningRateWarning")


def compare(X, y, result, rtol=1e-10, **options):
    """Every setting against its own run of the plain loop."""
    for i, (lr, l2) in enumerate(zip(result.lrs, result.l2, strict=True)):
        try:
            run = npreg.train(X, y, lr=lr, l2=l2, engine="loop", **options)
        except npreg.DivergenceError as error:
            assert result.diverged[i]
            done = len(error.losses)
            np.testing.assert_array_equal(np.isfinite(result.losses[i]), np.arange(len(result.losses[i])) < done)
            run = error
        else:
            assert not result.diverged[i]
        scale = max(np.abs(run.w).max(), np.abs(run.b).max())
        np.testing.assert_allclose(result.w[i], run.w, rtol=0, atol=rtol * scale)
        np.testing.assert_allclose(result.b[i], run.b, rtol=0, atol=rtol * scale)
        np.testing.assert_allclose(result.losses[i][: len(run.losses)], run.losses, rtol=max(1e-6, rtol))


SHAPES = [(200, 3, 1, 10), (103, 2, 3, 10), (60, 12, 1, 5), (30, 2, 1, 30), (7, 3, 2, 20)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_settings_are_runs(shape, dtype):
    n, d, k, batch_size = shape
    X, y, _, _ = make_data(n, d, k, dtype=dtype)
    lrs = [0.0, 0.001, 0.03, 0.1, 3.0, 100.0]
    result = npreg.sweep(X, y, lrs=lrs, l2=[0, 0.1], batch_size=batch_size, num_epochs=4, rng=3)
    np.testing.assert_array_equal(result.lrs, lrs * 2)
    np.testing.assert_array_equal(result.l2, [0] * 6 + [0.1] * 6)
    assert result.w.shape == (12, d, k)
    assert result.b.shape == (12, k)
    assert result.losses.shape == (12, 4)
    assert result.w.dtype == dtype
    assert result.diverged[5]
    assert not result.diverged[:3].any()
    compare(X, y, result, rtol=1e-10 if dtype == np.float64 else 1e-4, batch_size=batch_size, num_epochs=4, rng=3)


@pytest.mark.parametrize("options", [
    {"standardize": True},
    {"sample_weight": np.random.default_rng(0).uniform(0, 2, 90)},
    {"sample_weight": np.random.default_rng(0).integers(0, 3, 90), "batch_size": 90},
    {"w": [[1.0], [2.0], [3.0]], "b": [4.0]},
    {"w": [0, 0, 0]},
    {"batch_size": 1},
    {"batch_size": 500},
], ids=lambda options: ", ".join(options))  # fmt: skip
def test_options(options):
    X, y, _, _ = make_data(90, 3, 1)
    options = {"rng": 5, "num_epochs": 3, **options}
    compare(X, y, npreg.sweep(X, y, lrs=[0.01, 0.05], l2=[0, 0.3], **options), **options)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32), n=st.integers(1, 120), d=st.integers(1, 6),
    batch_size=st.sampled_from([1, 4, 10, 120]), scale=st.integers(-3, 3),
    offset=st.sampled_from([0.0, 10.0, 1e6]), noise=st.sampled_from([0.0, 1.0]),
)  # fmt: skip
def test_hard_data(seed, n, d, batch_size, scale, offset, noise):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 10.0**scale + offset
    y = X @ rng.standard_normal(d) + noise * rng.standard_normal(n)
    lrs = npreg.max_learning_rate(X, batch_size) * np.array([0.01, 0.5, 0.95])
    result = npreg.sweep(X, y, lrs=lrs, batch_size=batch_size, num_epochs=3, rng=seed)
    for i, lr in enumerate(lrs):
        run = npreg.train(X, y, lr=lr, batch_size=batch_size, rng=seed, engine="loop")
        largest = max(np.abs(run.w).max(), np.abs(run.b).max())
        assert max(np.abs(result.w[i] - run.w).max(), np.abs(result.b[i] - run.b).max()) <= 1e-10 * largest
        size = np.abs(X) @ np.abs(run.w[:, 0]) + np.abs(run.b[0]) + np.abs(y)
        rounding = (1e-8 * (size.max() + np.abs(y).max())) ** 2
        assert (np.abs(result.losses[i] - run.losses) <= 1e-6 * run.losses + rounding).all()


def test_bound_best_and_defaults():
    features, labels = npreg.synthetic_data([2, -3.4], 4.2, 1000, rng=0)
    result = npreg.sweep(features, labels, lrs=np.geomspace(1e-4, 10, 30), l2=[0, 0.1], rng=1)
    assert result.losses.shape == (60, 3)
    final = np.where(result.diverged, np.inf, result.losses[:, -1])
    assert result.best == int(final.argmin())
    assert not result.diverged[result.best]
    assert result.bound[0] == pytest.approx(npreg.max_learning_rate(features, 10))
    assert result.bound[-1] == pytest.approx(npreg.max_learning_rate(features, 10, l2=0.1))
    assert not result.diverged[result.lrs < result.bound].any()
    assert result.diverged[result.lrs > 5 * result.bound].all()
    np.testing.assert_allclose(result.w[result.best][:, 0], [2, -3.4], atol=0.01)


def test_same_bits_whatever_else_is_swept():
    """A setting's run depends on its neighbours by rounding at most; the same call gives the same bits."""
    X, y, _, _ = make_data(200, 3, 1)
    many = npreg.sweep(X, y, lrs=[0.01, 0.02, 50.0], rng=0)
    again = npreg.sweep(X, y, lrs=[0.01, 0.02, 50.0], rng=0)
    one = npreg.sweep(X, y, lrs=0.02, rng=0)
    np.testing.assert_array_equal(many.w, again.w)
    np.testing.assert_array_equal(many.losses, again.losses)
    np.testing.assert_allclose(one.w[0], many.w[1], rtol=1e-12)
    assert many.diverged[2]
    assert np.isfinite(many.w).all()  # of the diverged setting, the last parameters in order


def test_losses_of_columns_far_from_0():
    """There the loss's terms cancel by twelve digits: the residuals are looked at themselves."""
    X, y, _, _ = make_data(80, 4, 1)
    X += 1e6
    lrs = npreg.max_learning_rate(X, 120) * np.array([0.5, 0.9])
    result = npreg.sweep(X, y, lrs=lrs, batch_size=120, rng=0)
    for i in range(2):
        run = npreg.train(X, y, lr=lrs[i], batch_size=120, rng=0, engine="loop")
        np.testing.assert_allclose(result.losses[i], run.losses, rtol=1e-6)


def test_near_a_perfect_fit():
    """Losses of 1e-20 keep their digits: no difference of large sums."""
    X, y, _, _ = make_data(300, 2, 1, noise=0.0)
    result = npreg.sweep(X, y, lrs=[0.1, 0.3], num_epochs=15, rng=0)
    for i in range(2):
        run = npreg.train(X, y, lr=result.lrs[i], num_epochs=15, rng=0, engine="loop")
        np.testing.assert_allclose(result.losses[i], run.losses, rtol=1e-6, atol=1e-26)
        assert run.losses[-1] < 1e-15


def test_a_sweep_in_which_everything_diverged_says_so_with_a_cure():
    X, y, _, _ = make_data(60, 3, 1)
    with pytest.warns(npreg.LearningRateWarning, match=r"every run of the sweep diverged; up to lrs = \S+ is"):
        result = npreg.sweep(X, y, lrs=[50, 100], rng=0)
    assert result.diverged.all()
    assert not npreg.sweep(X, y, lrs=[0.9 * result.bound.max()], rng=0).diverged.any()
