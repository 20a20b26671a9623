"""The linear model and the losses: values, derivatives, kinks, extremes, by several independent routes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import SLOPES

import npreg

# Parameters that are not the default: a factor that is 1 there would hide.
LOSSES = {
    "squared": npreg.LOSSES["squared"],
    "absolute": npreg.LOSSES["absolute"],
    "huber": npreg.LOSSES["huber"],
    "huber 0.3": npreg.LOSSES["huber"].bind(delta=0.3),
    "huber 2": npreg.LOSSES["huber"].bind(delta=2),
    "log_cosh": npreg.LOSSES["log_cosh"],
    "quantile": npreg.LOSSES["quantile"],
    "quantile 0.9": npreg.LOSSES["quantile"].bind(tau=0.9),
    "quantile 0.05": npreg.LOSSES["quantile"].bind(tau=0.05),
}
VALUES = {
    "squared": lambda r: r * r / 2,
    "absolute": abs,
    "huber": lambda r, delta=1.0: r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2),
    "log_cosh": lambda r: math.log(math.cosh(r)),
    "quantile": lambda r, tau=0.5: -tau * r if r < 0 else (1 - tau) * r,
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
numbers = st.floats(-50, 50)
few = settings(max_examples=30)


def at(function, y_hat, y):
    return float(function(np.array([[y_hat]]), np.array([y]))[0, 0])


def test_all_losses_are_here():
    assert {loss.name for loss in LOSSES.values()} == set(npreg.LOSSES) == set(SLOPES) == set(VALUES)
    for name in npreg.LOSSES:
        assert npreg.LOSSES[name].value_function is getattr(npreg, f"{name}_loss")
        assert npreg.LOSSES[name].grad_function is getattr(npreg, f"{name}_loss_grad")


@each_loss
@few
@given(y_hat=numbers, y=numbers)
def test_values_and_slopes(loss, y_hat, y):
    """Against the definitions, a row at a time."""
    r = y_hat - y
    value = VALUES[loss.name](r, **loss.params)
    assert at(loss.value, y_hat, y) == pytest.approx(value, rel=1e-13, abs=1e-15)
    assert at(loss.grad, y_hat, y) == pytest.approx(SLOPES[loss.name](r, **loss.params), rel=1e-14, abs=1e-300)


@each_loss
@few
@given(y_hat=numbers, y=numbers)
def test_derivative(loss, y_hat, y):
    """The value's slope to fourth order, wherever the second derivative does not jump within the stencil."""
    h, r = 1e-3, y_hat - y
    kinks = [0.0] if loss.name in ("absolute", "quantile") else []
    if loss.name == "huber":
        kinks = [loss.params.get("delta", 1.0), -loss.params.get("delta", 1.0)]
    if any(abs(r - kink) <= 2.1 * h for kink in kinks):
        return
    f = [at(loss.value, y_hat + i * h, y) for i in (-2, -1, 1, 2)]
    slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
    assert at(loss.grad, y_hat, y) == pytest.approx(slope, rel=1e-9, abs=1e-9 + 1e-12 * max(map(abs, f)))


@each_loss
@few
@given(a=numbers, b=numbers, c=st.floats(0, 1))
def test_laws(loss, a, b, c):
    """Convex, least at a perfect fit, and above every tangent: which ties value and slope together."""
    between = at(loss.value, c * a + (1 - c) * b, 0.0)
    assert between <= c * at(loss.value, a, 0.0) + (1 - c) * at(loss.value, b, 0.0) + 1e-9
    assert at(loss.value, a, a) == at(loss.grad, a, a) == 0
    assert at(loss.value, a, b) >= 0
    tangent = at(loss.value, a, 0.0) + at(loss.grad, a, 0.0) * (b - a)
    assert at(loss.value, b, 0.0) >= tangent - 1e-9 * (1 + abs(tangent))


@few
@given(y_hat=numbers, y=numbers)
def test_symmetry_and_special_cases(y_hat, y):
    for loss in LOSSES.values():
        if loss.name != "quantile":
            assert at(loss.value, y_hat, y) == at(loss.value, y, y_hat)
            assert at(loss.grad, y_hat, y) == -at(loss.grad, y, y_hat)
    for tau in (0.1, 0.5, 0.75):
        low, high = (npreg.LOSSES["quantile"].bind(tau=t) for t in (tau, 1 - tau))
        assert at(low.value, y_hat, y) == pytest.approx(at(high.value, y, y_hat), rel=1e-15)
    assert at(npreg.quantile_loss, y_hat, y) == at(npreg.absolute_loss, y_hat, y) / 2
    wide = npreg.LOSSES["huber"].bind(delta=1000)
    assert at(wide.value, y_hat, y) == pytest.approx(at(npreg.squared_loss, y_hat, y), rel=1e-15)
    assert at(wide.grad, y_hat, y) == at(npreg.squared_loss_grad, y_hat, y)


@few
@given(y=st.lists(st.integers(-20, 20), min_size=1, max_size=15), tau=st.sampled_from([0.1, 0.5, 0.9]))
def test_least_loss(y, tau):
    """Squared: the mean.  Absolute: a median.  Quantile: where the slopes change sign."""
    labels = np.array(y, float)
    candidates = np.unique(labels)
    mean = float(Fraction(sum(y), len(y)))
    assert npreg.squared_loss_grad(np.full((len(y), 1), mean), labels).sum() == pytest.approx(0, abs=1e-12)
    totals = [npreg.absolute_loss(np.full((len(y), 1), c), labels).sum() for c in candidates]
    assert min(totals) == pytest.approx(npreg.absolute_loss(np.full((len(y), 1), np.median(y)), labels).sum())
    totals = [npreg.quantile_loss(np.full((len(y), 1), c), labels, tau).sum() for c in candidates]
    best = candidates[int(np.argmin(totals))]
    assert np.mean(labels < best) <= tau + 1e-12
    assert np.mean(labels <= best) >= tau - 1e-12


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_shapes(loss, dtype):
    y_hat, y = np.linspace(-3, 3, 12).astype(dtype), np.linspace(2, -1, 12).astype(dtype)
    for function in (loss.value, loss.grad):
        assert function(y_hat[:, None], y).dtype == dtype
        two = function(y_hat.reshape(6, 2), y.reshape(6, 2))
        assert two.dtype == dtype
        np.testing.assert_array_equal(two.ravel(), function(y_hat[:, None], y).ravel())


@each_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes(loss, dtype):
    """No overflow where the value itself does not; no cancellation near a perfect fit."""
    large = np.sqrt(np.finfo(dtype).max) / 4
    tiny = np.sqrt(np.finfo(dtype).tiny) * 4
    for r in (large, -large, tiny, -tiny):
        y_hat, y = np.array([[r]], dtype), np.zeros(1, dtype)
        value, grad = float(loss.value(y_hat, y)[0, 0]), float(loss.grad(y_hat, y)[0, 0])
        near = abs(r) < 1
        expected = float(r) * float(r) / 2 if near else abs(float(r)) - math.log(2)
        if loss.name != "log_cosh":
            expected = VALUES[loss.name](float(r), **loss.params)
        assert value == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps))
        slope = SLOPES[loss.name](float(r), **loss.params)
        assert grad == pytest.approx(slope, rel=4 * float(np.finfo(dtype).eps))
    if loss.name != "squared":
        most = np.array([[np.finfo(dtype).max / 8]], dtype)
        assert np.isfinite(loss.value(most, np.zeros(1, dtype))).all()


@each_loss
def test_nan_goes_through(loss):
    nan = np.array([[np.nan], [1.0]])
    for function in (loss.value, loss.grad):
        out = function(nan, np.zeros(2))
        assert np.isnan(out[0, 0])
        assert np.isfinite(out[1, 0])


def test_as_given_by_a_user():
    """A pair of functions of one's own is a loss; npreg's own functions are found by name or function."""
    X, y = np.random.default_rng(0).standard_normal((30, 2)), np.arange(30.0)
    own = (lambda y_hat, y: (y_hat - y) ** 4 / 400, lambda y_hat, y: (y_hat - y) ** 3 / 100)
    run = npreg.train(X, y, loss=own, rng=0, lr=0.01, num_epochs=5)
    assert run.engine in ("loop", "tight")
    assert np.diff(run.losses).max() < 0
    mine = (lambda y_hat, y: (y_hat - y) ** 2 / 2, lambda y_hat, y: y_hat - y)
    expected = npreg.train(X, y, rng=0, engine="loop")
    np.testing.assert_allclose(npreg.train(X, y, loss=mine, rng=0, engine="loop").w, expected.w, rtol=1e-14)
    for given_as in ("huber", npreg.huber_loss, npreg.LOSSES["huber"], (npreg.huber_loss, npreg.huber_loss_grad)):
        np.testing.assert_array_equal(
            npreg.train(X, y, loss=given_as, rng=0).w, npreg.train(X, y, loss="huber", rng=0).w
        )


# --- the linear model -------------------------------------------------------------------------------------

sizes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32))


@few
@given(sizes)
def test_linreg_by_index(size):
    n, d, k, seed = size
    rng = np.random.default_rng(seed)
    X, w, b = rng.standard_normal((n, d)), rng.standard_normal((d, k)), rng.standard_normal(k)
    y_hat = npreg.linreg(X, w, b)
    assert y_hat.shape == (n, k)
    for i in range(n):
        for o in range(k):
            exact = sum(Fraction(X[i, j]) * Fraction(w[j, o]) for j in range(d)) + Fraction(b[o])
            assert y_hat[i, o] == pytest.approx(float(exact), rel=1e-12, abs=1e-13)


@few
@given(sizes)
def test_backward_by_index(size):
    n, d, k, seed = size
    rng = np.random.default_rng(seed)
    X, g = rng.standard_normal((n, d)), rng.standard_normal((n, k))
    grad_w, grad_b = npreg.linreg_backward(X, g)
    assert grad_w.shape == (d, k)
    assert grad_b.shape == (k,)
    for o in range(k):
        assert grad_b[o] == pytest.approx(float(sum(map(Fraction, g[:, o]))), rel=1e-12, abs=1e-13)
        for j in range(d):
            exact = sum(Fraction(X[i, j]) * Fraction(g[i, o]) for i in range(n))
            assert grad_w[j, o] == pytest.approx(float(exact), rel=1e-12, abs=1e-13)


@few
@given(sizes)
def test_backward_is_the_transpose(size):
    """⟨g, linreg(X, w, b)⟩ = ⟨grad_w, w⟩ + ⟨grad_b, b⟩: linear maps have exactly one adjoint."""
    n, d, k, seed = size
    rng = np.random.default_rng(seed)
    X, g = rng.standard_normal((n, d)), rng.standard_normal((n, k))
    w, b = rng.standard_normal((d, k)), rng.standard_normal(k)
    grad_w, grad_b = npreg.linreg_backward(X, g)
    left = float((g * npreg.linreg(X, w, b)).sum())
    assert left == pytest.approx(float((grad_w * w).sum() + (grad_b * b).sum()), rel=1e-10, abs=1e-11)


def derivative_of_the_sum(loss, X, y, w, b):
    """The derivative of Σ loss with respect to w and b by central differences."""
    h, theta = 1e-6, np.vstack([w, b])
    out = np.empty_like(theta)
    for place in np.ndindex(theta.shape):
        moved = [theta.copy(), theta.copy()]
        moved[0][place] += h
        moved[1][place] -= h
        up, down = (loss.value(npreg.linreg(X, m[:-1], m[-1]), y).sum() for m in moved)
        out[place] = (up - down) / (2 * h)
    return out


def check_chain(loss, k=2):
    """The two calls that stand for `l.sum().backward()`, against differences."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((11, 3)) + 0.5, 2 * rng.standard_normal((11, k))
    w, b = rng.standard_normal((3, k)), rng.standard_normal(k)
    residual = np.abs(npreg.linreg(X, w, b) - y)
    delta = loss.params.get("delta", 1.0)
    assert min(residual.min(), np.abs(residual - delta).min()) > 1e-4  # no kink within reach of the differences
    got = np.vstack(npreg.linreg_backward(X, loss.grad(npreg.linreg(X, w, b), y)))
    np.testing.assert_allclose(got, derivative_of_the_sum(loss, X, y, w, b), rtol=1e-6, atol=1e-6)


@each_loss
@pytest.mark.parametrize("k", [1, 2])
def test_chain(loss, k):
    check_chain(loss, k)


def test_results_are_new_arrays():
    X, w, b = np.ones((3, 2)), np.ones((2, 1)), np.ones(1)
    y_hat = npreg.linreg(X, w, b)
    y_hat[:] = 7
    np.testing.assert_array_equal(w, np.ones((2, 1)))
    np.testing.assert_array_equal(b, [1.0])
    for loss in LOSSES.values():
        r = np.ones((3, 1))
        out = loss.grad(r, np.zeros(3))
        out[:] = 7
        np.testing.assert_array_equal(r, np.ones((3, 1)))
