"""Numerical derivatives against derivatives known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npreg.differentiate import derivative, directional, gradient, jacobian, term_sizes
from npreg.differentiate.steps import random_direction

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 3)) + 0.5
Y = RNG.normal(size=7)
W = RNG.normal(size=3)


def residual(X: Any, y: Any, w: Any) -> Any:
    return X @ w - y


def loop_sum(X: Any, y: Any, w: Any) -> float:
    total = 0.0
    for row, label in zip(X, y, strict=True):
        total += math.fsum(float(a) * float(b) for a, b in zip(row, w, strict=True)) ** 2 * float(label)
    return total


def float_buffer(X: Any, y: Any, w: Any) -> Any:
    buffer = np.zeros(len(y))
    for i in range(len(y)):
        buffer[i] = X[i] @ w - y[i]
    return buffer @ buffer


R = residual(X, Y, W)
# name, function, its derivative with respect to w
TRAPS: list[tuple[str, Callable[..., Any], Any]] = [
    ("analytic", lambda X, y, w: np.mean(residual(X, y, w) ** 2), 2 / 7 * X.T @ R),
    ("abs", lambda X, y, w: np.sum(np.abs(residual(X, y, w))), X.T @ np.sign(R)),
    ("norm", lambda X, y, w: np.linalg.norm(residual(X, y, w)), X.T @ R / np.linalg.norm(R)),
    ("vdot", lambda X, y, w: np.vdot(residual(X, y, w), residual(X, y, w)), 2 * X.T @ R),
    ("real", lambda X, y, w: np.real(residual(X, y, w)) @ residual(X, y, w), 2 * X.T @ R),
    ("conj", lambda X, y, w: np.conj(residual(X, y, w)) @ residual(X, y, w), 2 * X.T @ R),
    ("maximum", lambda X, y, w: np.sum(np.maximum(0, residual(X, y, w)) ** 2), 2 * X.T @ np.maximum(R, 0)),
    (
        "comparison",
        lambda X, y, w: np.sum(np.where(np.abs(residual(X, y, w)) < 1, residual(X, y, w) ** 2, 0)),
        2 * X.T @ np.where(np.abs(R) < 1, R, 0),
    ),
    ("partly", lambda X, y, w: np.sum(residual(X, y, w) ** 2) + np.abs(w).sum(), 2 * X.T @ R + np.sign(W)),
    ("float()", loop_sum, 2 * X.T @ (Y * (X @ W))),
    ("buffer", float_buffer, 2 * X.T @ R),
    ("astype", lambda X, y, w: np.sum(residual(X, y, w).astype(float) ** 2), 2 * X.T @ R),
    ("sqrt of |w|²", lambda X, y, w: np.sum((w * w.conj()) ** 0.5), np.sign(W)),
]


@pytest.mark.parametrize(("function", "truth"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS])
def test_traps_of_the_complex_step(function: Callable[..., Any], truth: Any) -> None:
    found = derivative(function, {"X": X, "y": Y, "w": W}, "w")
    assert np.all(np.abs(found.value - truth) <= 10 * found.error + 1e-15)
    assert np.max(found.error) < 1e-10
    assert not found.kink.any()


def test_method_is_told() -> None:
    inputs = {"X": X, "y": Y, "w": W}
    assert derivative(TRAPS[0][1], inputs, "w").method == "complex step"
    assert derivative(TRAPS[1][1], inputs, "w").method == "differences"


def test_jacobian_has_output_then_input_shape() -> None:
    found = jacobian(lambda X, w: X @ w, {"X": X, "w": W}, "X")
    assert found.shape == (7, 7, 3)
    np.testing.assert_allclose(found, np.einsum("ij,k->ijk", np.eye(7), W), atol=1e-15)


def test_gradient_keeps_shape_and_accepts_integers() -> None:
    found = gradient(lambda w: np.sum(w**3), {"w": np.array([[1], [2]])}, "w")
    np.testing.assert_allclose(found, [[3.0], [12.0]], rtol=1e-14)
    assert gradient(lambda w: w**2, {"w": 3}, "w").shape == ()
    assert gradient(lambda w: np.array([[w @ w]]), {"w": W}, "w").shape == (3,)


def test_empty_input() -> None:
    assert jacobian(lambda x: np.sum(x), {"x": np.zeros(0)}, "x").shape == (0,)


def test_bad_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="no input 'v'; the inputs are w"):
        jacobian(lambda w: w, {"w": W}, "v")
    with pytest.raises(ValueError, match=r"returns shape \(3,\), not a scalar"):
        gradient(lambda w: w, {"w": W}, "w")
    with pytest.raises(TypeError, match="real numbers"):
        jacobian(lambda w: w, {"w": W + 1j}, "w")
    with pytest.raises(TypeError, match="one array or number"):
        jacobian(lambda w: "loss", {"w": W}, "w")
    with pytest.raises(ValueError, match=r"shape \(2,\), the input \(3,\)"):
        directional(lambda w: w, {"w": W}, {"w": [1.0, 2.0]})


def test_inputs_are_not_changed() -> None:
    def centred(X: Any, w: Any) -> Any:
        X -= 1.0
        return X @ w

    before = X.copy()
    jacobian(centred, {"X": X, "w": W}, "w")
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("function", "bounds"),
    [
        (lambda x: np.sum(np.abs(x)), (-1, 1)),
        (lambda x: np.sum(np.maximum(x, 0)), (0, 1)),
        (lambda x: np.sum(np.maximum(0.9 * x, -0.1 * x)), (-0.1, 0.9)),
        (lambda x: -np.sum(np.abs(x)) + np.sum(x), (0, 2)),
        (lambda x: np.sum(np.where(x > 0, 2 * x + x**2, 3 * x)), (2, 3)),
    ],
)
def test_kinks_have_bounds(function: Callable[..., Any], bounds: tuple[float, float]) -> None:
    found = derivative(function, {"x": np.array([0.0, 1.5])}, "x")
    assert found.kink.tolist() == [True, False]
    np.testing.assert_allclose([found.lower[0], found.upper[0]], bounds, atol=1e-9)
    assert found.lower[1] == found.upper[1] == found.value[1]


@pytest.mark.parametrize("distance", [1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
def test_a_kink_nearby_is_not_a_kink(distance: float) -> None:
    found = derivative(lambda x: np.sum(np.abs(x)), {"x": np.array([distance, -1.0])}, "x")
    assert not found.kink.any()
    np.testing.assert_allclose(found.value, [1, -1], atol=max(1e-12, 1e-14 / distance))


@pytest.mark.parametrize(
    "function", [lambda x: np.sum(x**2), lambda x: np.sum(np.exp(x)), lambda x: np.sum(np.tanh(5 * x))]
)
def test_smooth_functions_have_no_kinks(function: Callable[..., Any]) -> None:
    for x in ([0.0, 1e-3, 1.0], [0.0, 0.0], [1e-8, 30.0]):
        real_only = derivative(lambda x: function(np.real(x)), {"x": np.array(x)}, "x")
        assert not real_only.kink.any()


@given(seed=st.integers(0, 2**32 - 1), power=st.sampled_from([-6, -3, 0, 3, 6]), analytic=st.booleans())
@settings(max_examples=30, deadline=None)
def test_errors_are_honest_at_every_scale(seed: int, power: int, analytic: bool) -> None:
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=4) * 10.0**power, rng.normal(size=4)
    part = np.asarray if analytic else np.real

    def function(x: Any) -> Any:
        z = part(x) / 10.0**power
        return np.sum(np.sin(c * z) + z**3 * c)

    z = x / 10.0**power
    truth = (c * np.cos(c * z) + 3 * z**2 * c) / 10.0**power
    found = derivative(function, {"x": x}, "x")
    scale = (np.abs(c) * (1 + 3 * z**2)) / 10.0**power
    assert np.all(np.abs(found.value - truth) <= 4 * found.error + 8 * np.finfo(float).eps * scale)
    assert np.max(found.error) < 1e-8 * np.max(scale)


@given(seed=st.integers(0, 2**32 - 1), analytic=st.booleans())
@settings(max_examples=30, deadline=None)
def test_directional_is_jacobian_times_direction(seed: int, analytic: bool) -> None:
    rng = np.random.default_rng(seed)
    part = np.asarray if analytic else np.real
    inputs = {"A": rng.normal(size=(3, 2)), "x": rng.normal(size=2)}
    moves = {"A": rng.normal(size=(3, 2)), "x": rng.normal(size=2)}

    def function(A: Any, x: Any) -> Any:
        return np.tanh(part(A) @ part(x))

    found = directional(function, inputs, moves)
    expected = np.tensordot(jacobian(function, inputs, "A"), moves["A"], 2)
    expected = expected + jacobian(function, inputs, "x") @ moves["x"]
    np.testing.assert_allclose(found.value, expected, atol=1e-9)


def test_float32_functions_have_float32_errors() -> None:
    def function(w: Any) -> Any:
        return np.sum(np.asarray(w, np.float32) ** 2)

    found = derivative(function, {"w": W}, "w")
    assert np.all(np.abs(found.value - 2 * W) <= 10 * found.error)
    assert 1e-9 < np.max(found.error) < 1e-3


def test_no_warning_leaves(capfd: pytest.CaptureFixture[str]) -> None:
    found = derivative(lambda x: np.sum(np.log(x) + 1 / x), {"x": np.array([0.0, 1.0])}, "x")
    assert not np.isfinite(found.error[0]) or not np.isfinite(found.value[0])
    assert capfd.readouterr().err == ""


def test_confirmation_is_not_fooled_by_cancelling_entries() -> None:
    """The derivatives of Σ|x − c| are ±1: along a direction of few magnitudes they may add up to zero."""
    for seed in range(60):
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=3 + seed % 10)
        found = jacobian(lambda x: np.sum(np.abs(x - 1.5)), {"x": 1.5 + 1e-3 * signs}, "x")
        np.testing.assert_allclose(found, signs, atol=1e-7)


@pytest.mark.parametrize("spread", [1e-2, 1e-3, 1e-4])
def test_many_kinks_nearby(spread: float) -> None:
    rng = np.random.default_rng(15)
    for _ in range(10):
        X, w = rng.normal(size=(7, 3)) + 0.5, rng.normal(size=3)
        y = X @ w + spread * rng.normal(size=7)
        found = derivative(lambda X, y, w: np.mean(np.abs(X @ w - y)), {"X": X, "y": y, "w": w}, "w")
        assert not found.kink.any()
        assert np.all(np.abs(found.value - X.T @ np.sign(X @ w - y) / 7) <= 5 * found.error)
        assert np.max(found.error) < 1e-11 / spread


@pytest.mark.parametrize("part", [np.asarray, np.real], ids=["complex", "real"])
def test_steps_stay_in_the_domain(part: Callable[..., Any]) -> None:
    x = np.array([1e-8, 1.0, 1e8])
    found = derivative(lambda x: np.sum(np.log(part(x))), {"x": x}, "x")
    np.testing.assert_allclose(found.value, 1 / x, rtol=1e-9)
    x = np.array([0.999999, 0.0, -0.5])
    found = derivative(lambda x: np.sum(np.arccos(part(x))), {"x": x}, "x")
    np.testing.assert_allclose(found.value, -1 / np.sqrt(1 - x * x), rtol=1e-6)


def test_a_function_that_raises_outside_of_its_domain() -> None:
    A = np.array([[4.0, 1.0], [1.0, 3.0]])

    def function(A: Any) -> Any:
        return np.sum(np.log(np.diag(np.linalg.cholesky((A + A.T) / 2))))

    found = derivative(function, {"A": A}, "A")
    np.testing.assert_allclose(found.value, np.linalg.inv(A) / 2, atol=1e-9)


@pytest.mark.parametrize("analytic", [True, False])
def test_term_sizes_are_the_sum_of_absolute_terms(analytic: bool) -> None:
    """For Xᵀ(Xw − y): every entry of X, w and y takes part, w in one term and X in two."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, w = rng.normal(size=(50, 3)), rng.normal(size=3)
        inputs = {"X": X, "w": w, "y": X @ w}
        found = term_sizes(lambda X, w, y: np.sum((X @ w - y) ** 2) / 2, inputs, "w", analytic=analytic)
        truth = np.abs(X).T @ (np.abs(X) @ np.abs(w) + np.abs(X @ w))
        assert np.all(found > truth / 8)
        assert np.all(found < truth * 8)
        moves = {"w": w, "y": inputs["y"]}
        along = term_sizes(lambda X, w, y: np.sum(X @ w + y), inputs, moves, analytic=analytic)
        assert along.shape == ()
        assert along > abs(2 * inputs["y"].sum()) / 2


def test_random_directions_have_many_magnitudes() -> None:
    """With few, Σ ± magnitudes vanishes now and then, and a complex step that lost all looks confirmed."""
    move = random_direction(np.ones(1000), np.random.default_rng(0))
    assert len(np.unique(np.abs(move))) > 900
    assert np.all((np.abs(move) >= 1) & (np.abs(move) < 2))
    assert np.array_equal((1.5 + 2.0**-30 * move) - 1.5, 2.0**-30 * move)


def test_a_zero_that_differences_see_only_as_rounding_is_the_complex_steps():
    """What differences cannot tell from 0 is told by the rounding of the function's own terms."""
    shares = {"x": np.random.default_rng(0).standard_normal(6)}
    found = derivative(lambda x: np.sum(np.exp(x - x.max()) / np.exp(x - x.max()).sum()), shares, "x")
    assert found.method == "complex step"
    assert np.abs(found.value).max() < 1e-15
