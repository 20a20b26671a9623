"""check_gradient: right gradients pass in every style and scale, planted mistakes do not."""

from __future__ import annotations

import json
import math
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npreg
from npreg.gradcheck import GradientError, GradientReport, assert_gradient, check_gradient


def problem(
    seed: int = 0, n: int = 7, d: int = 3, noise: float = 1.0, scale: float = 1.0, dtype: Any = np.float64
) -> dict[str, Any]:
    """Regression data whose labels are `noise` away from the prediction at w, b."""
    rng = np.random.default_rng(seed)
    X, w, b = (rng.normal(size=(n, d)) + 0.5) * scale, rng.normal(size=d), np.asarray(rng.normal() * scale)
    y = X @ w + b + noise * scale * rng.normal(size=n)
    return {name: np.asarray(v, dtype) for name, v in {"X": X, "y": y, "w": w, "b": b}.items()}


def mse(X: Any, y: Any, w: Any, b: Any) -> Any:
    return np.mean((X @ w + b - y) ** 2)


def grad_mse(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    r = X @ w + b - y
    n = len(y)
    return {"X": 2 / n * np.outer(r, w), "y": -2 / n * r, "w": 2 / n * X.T @ r, "b": 2 * r.mean()}


def mae(X: Any, y: Any, w: Any, b: Any) -> Any:
    return np.mean(np.abs(X @ w + b - y))


def grad_mae(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    s = np.sign(X @ w + b - y) / len(y)
    return {"X": np.outer(s, w), "y": -s, "w": X.T @ s, "b": s.sum()}


def huber(X: Any, y: Any, w: Any, b: Any) -> Any:
    a = np.abs(X @ w + b - y)
    return np.sum(np.where(a <= 0.5, a**2 / 2, 0.5 * (a - 0.25)))


def grad_huber(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    s = np.clip(X @ w + b - y, -0.5, 0.5)
    return {"X": np.outer(s, w), "y": -s, "w": X.T @ s, "b": s.sum()}


def rms(X: Any, y: Any, w: Any, b: Any) -> Any:
    return np.linalg.norm(X @ w + b - y)


def grad_rms(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    s = X @ w + b - y
    s = s / np.sqrt(s @ s)
    return {"X": np.outer(s, w), "y": -s, "w": X.T @ s, "b": s.sum()}


def logistic(X: Any, y: Any, w: Any, b: Any) -> Any:
    z = X @ w + b
    return np.mean(np.log1p(np.exp(-z)) + (1 - y) * z)


def grad_logistic(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    z = X @ w + b
    s = (1 / (1 + np.exp(-z)) - y) / len(y)
    return {"X": np.outer(s, w), "y": -z / len(y), "w": X.T @ s, "b": s.sum()}


def sum_vdot(X: Any, y: Any, w: Any, b: Any) -> Any:
    r = X @ w + b - y
    return float(np.vdot(r, r)) / 2


def grad_sum(X: Any, y: Any, w: Any, b: Any) -> dict[str, Any]:
    r = X @ w + b - y
    return {"X": np.outer(r, w), "y": -r, "w": X.T @ r, "b": r.sum()}


PAIRS: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (mse, grad_mse),
    (mae, grad_mae),
    (huber, grad_huber),
    (rms, grad_rms),
    (logistic, grad_logistic),
    (sum_vdot, grad_sum),
]
pairs = pytest.mark.parametrize(("function", "gradient"), PAIRS, ids=[f.__name__ for f, _ in PAIRS])


# Right gradients


@pairs
@given(
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from([1.0, 1e-3, 1e-6]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
@settings(max_examples=4, deadline=None)
def test_right_gradients_pass(function: Any, gradient: Any, seed: int, noise: float, dtype: Any) -> None:
    assert_gradient(function, gradient, problem(seed, noise=noise, dtype=dtype))


@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-6, 6), noise=st.sampled_from([1.0, 1e-6, 1e-9, 0.0]))
@settings(max_examples=6, deadline=None)
def test_scale_and_exact_fits_do_not_matter(seed: int, power: int, noise: float) -> None:
    for function, gradient in [(mse, grad_mse), (sum_vdot, grad_sum)]:
        assert_gradient(function, gradient, problem(seed, noise=noise, scale=10.0**power))


def loop(X: Any, y: Any, w: Any, b: Any) -> Any:
    result = np.zeros(X.shape[1])
    for i in range(X.shape[0]):
        residual = b - y[i]
        for j in range(X.shape[1]):
            residual += X[i, j] * w[j]
        for j in range(X.shape[1]):
            result[j] += 2 * residual * X[i, j] / X.shape[0]
    return result


STYLES: list[Callable[..., Any]] = [
    loop,
    lambda X, y, w, b: 2 * np.einsum("ij,i->j", X, X @ w + b - y) / len(y),
    lambda X, y, w, b: np.mean(2 * (X @ w + b - y)[:, None] * X, axis=0),
    lambda X, y, w, b: 2 / len(y) * (X.T @ X @ w + b * X.sum(axis=0) - X.T @ y),
    lambda X, y, w, b: list(2 / len(y) * (X.T @ (X @ w + b - y))),
    lambda X, y, w, b: (2 / len(y) * (X.T @ (X @ w + b - y))).astype(np.float32),
    lambda **a: grad_mse(**a)["w"],
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("noise", [1.0, 1e-6, 0.0])
def test_every_style_passes(style: Callable[..., Any], noise: float) -> None:
    for seed in range(2):
        for n, d in [(7, 3), (101, 11)]:
            assert_gradient(mse, style, problem(seed, n, d, noise), wrt="w")


# Planted mistakes


def planted(gradient: Callable[..., Any], name: str, plant: Callable[[Any], Any]) -> Callable[..., Any]:
    def wrong(**inputs: Any) -> Any:
        return {**gradient(**inputs), name: plant(gradient(**inputs)[name])}

    return wrong


def one_entry(g: Any) -> Any:
    g = np.array(g)
    g.flat[g.size // 2] *= 1.001
    return g


MISTAKES: list[tuple[str, Callable[[Any], Any]]] = [
    ("tiny factor", lambda g: g * (1 + 1e-7)),
    ("sign", lambda g: -g),
    ("double", lambda g: 2 * g),
    ("one entry", one_entry),
    ("zero", lambda g: 0 * g),
    ("shape", lambda g: np.reshape(g, (1, *np.shape(g)))),
    ("reversed", lambda g: np.asarray(g).ravel()[::-1].reshape(np.shape(g)) + (np.ndim(g) == 0)),
    ("not finite", lambda g: g * np.nan),
]


@pytest.mark.parametrize(
    ("function", "gradient", "plant"),
    [
        # every mistake once by default, and the least ones in every function
        pytest.param(*pair, plant, id=f"{name}-{pair[0].__name__}", marks=[pytest.mark.slow] * (i > 0 and at != i))
        for i, (name, plant) in enumerate(MISTAKES)
        for at, pair in enumerate(PAIRS)
    ],
)
def test_planted_mistakes_are_caught(function: Any, gradient: Any, plant: Any) -> None:
    for seed, name in enumerate(("X", "y", "w", "b")):
        report = check_gradient(function, planted(gradient, name, plant), problem(seed), wrt=[name])
        assert [r.passed for r in report.inputs] == [False]
        assert not report


@given(
    seed=st.integers(0, 2**32 - 1),
    noise=st.sampled_from([1e-6, 1e-9]),
    factor=st.sampled_from([-1.0, 0.5, 2.0, 7.0, 1 / 7, 0.0]),
)
@settings(max_examples=20, deadline=None)
def test_wrong_gradients_near_the_optimum_are_caught(seed: int, noise: float, factor: float) -> None:
    report = check_gradient(mse, lambda **a: factor * grad_mse(**a)["w"], problem(seed, noise=noise), wrt="w")
    assert not report.passed


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_random_additions_are_caught(seed: int, size: float) -> None:
    addition = size * 1e-6 * np.random.default_rng(seed).normal(size=3)
    report = check_gradient(mse, lambda **a: grad_mse(**a)["w"] + addition, problem(seed), wrt="w")
    assert not report.passed


@pytest.mark.parametrize("noise", [1.0, 1e-9])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_tolerance_is_a_thousand_roundings_of_the_terms(noise: float, dtype: Any) -> None:
    """Σ|terms| of the mean squared error, written out: what is far above and far below 1e3 eps of it."""
    for seed in range(4):
        inputs = problem(seed, noise=noise, dtype=dtype)
        X, y, w, b = (np.abs(inputs[name]).astype(float) for name in "Xywb")
        terms = 2 / len(y) * X.T @ (X @ w + b + y) * np.finfo(dtype).eps
        exact = grad_mse(**{name: value.astype(float) for name, value in inputs.items()})["w"]
        assert check_gradient(mse, exact + 50 * terms, inputs, wrt="w")
        assert not check_gradient(mse, exact + 2e4 * terms, inputs, wrt="w")
        assert check_gradient(mse, exact + 2e4 * terms, inputs, wrt="w", tolerance=1e6)


def test_float32_mistakes_are_judged_by_float32() -> None:
    inputs = problem(dtype=np.float32)
    assert check_gradient(mse, planted(grad_mse, "w", lambda g: g * (1 + 1e-5)), inputs)
    report = check_gradient(mse, planted(grad_mse, "w", lambda g: g * 1.01), inputs)
    assert not report
    assert {r.precision for r in report.inputs} == {"float32"}
    assert "judged by float32's rounding" in str(report)


# What is plain from the numbers


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda g: g * 0, "zero everywhere"),
        (lambda g: g.T, "shape (3, 7), but the input has shape (7, 3)"),
        (lambda g: g * np.where(np.arange(7) == 3, np.nan, 1)[:, None], "3 of 21 entries are not finite"),
    ],
)
def test_what_is_plain_is_said(plant: Callable[[Any], Any], words: str) -> None:
    report = check_gradient(mse, planted(grad_mse, "X", plant), problem())
    assert words in " ".join(report.inputs[0].facts)
    assert words in str(report)


def test_the_worst_entries_are_shown_the_worst_first() -> None:
    off = np.array([0.0, 3.0, 1.0, 9.0, 0.0, 2.0, 8.0, 7.0, 6.0, 5.0, 4.0, 0.5])
    report = check_gradient(lambda x: np.sum(x), lambda x: 1 + off, {"x": np.ones(12)})
    found = [entry.off_by / entry.allowed for entry in report.inputs[0].worst]
    assert found == sorted(found, reverse=True)
    assert len(found) == 8
    assert not {"[2]", "[11]"} & {entry.where for entry in report.inputs[0].worst}


# Kinks


def test_any_subgradient_is_right_at_a_kink() -> None:
    x = {"x": np.array([0.0, 2.0, -1.0])}
    for slope in (-1.0, -0.3, 0.0, 1.0):
        report = check_gradient(lambda x: np.sum(np.abs(x)), lambda x, s=slope: np.where(x == 0, s, np.sign(x)), x)
        assert report.passed
        assert report.inputs[0].kinks == 1
        assert "1 at a kink" in str(report)


@pytest.mark.parametrize("slope", [-1.0001, 1.5, np.nan])
def test_no_subgradient_is_wrong_at_a_kink(slope: float) -> None:
    x = {"x": np.array([0.0, 2.0])}
    report = check_gradient(lambda x: np.sum(np.abs(x)), lambda x: np.where(x == 0, slope, np.sign(x)), x)
    assert not report.passed
    assert report.inputs[0].worst[0].cells[2] == "[-1, 1]"


def test_kinks_do_not_hide_the_other_entries() -> None:
    x = {"x": np.array([0.0, 2.0, 3.0])}
    assert not check_gradient(lambda x: np.sum(np.maximum(x, 0)), lambda x: np.array([0.5, 1.0, 0.999]), x)
    assert check_gradient(lambda x: np.sum(np.maximum(x, 0)), lambda x: np.array([0.5, 1.0, 1.0]), x)


# Traps of the complex step


def only_real_part(x: Any) -> Any:
    return np.sum(np.real(x) ** 2)


@pytest.mark.parametrize(
    ("function", "right"),
    [
        (lambda x: np.sum(np.abs(x) ** 3), lambda x: 3 * x * np.abs(x)),
        (lambda x: np.linalg.norm(x), lambda x: x / np.sqrt(np.sum(x * x))),
        (lambda x: np.sum(np.maximum(x, 0.3) ** 2), lambda x: np.where(x > 0.3, 2 * x, 0)),
        (lambda x: np.vdot(x, x), lambda x: 2 * x),
        (lambda x: np.sum(np.where(np.abs(x) > 1, x**2, x)), lambda x: np.where(np.abs(x) > 1, 2 * x, 1)),
        (only_real_part, lambda x: 2 * x),
        (lambda x: math.fsum(float(v) ** 2 for v in x), lambda x: 2 * x),
    ],
)
def test_complex_step_traps_neither_reject_nor_accept(function: Any, right: Any) -> None:
    x = {"x": np.array([0.5, -1.7, 2.0])}
    assert_gradient(function, right, x)
    for wrong in (lambda x: 0 * x, lambda x: right(x) * (1 + 1e-7), lambda x: right(x) + np.array([0, 1e-6, 0])):
        assert not check_gradient(function, wrong, x)


# Large inputs


@pytest.mark.slow
def test_large_inputs_are_checked_along_directions() -> None:
    inputs = problem(1, 2000, 30)
    report = check_gradient(mse, grad_mse, inputs)
    assert report.passed
    assert [r.checked for r in report.inputs] == ["random directions"] * 2 + ["entries"] * 2
    report = check_gradient(mse, planted(grad_mse, "X", lambda g: 2 * g), inputs)
    assert [m.code for m in report.inputs[0].mistakes] == ["factor:2"]


def test_one_wrong_entry_of_many_is_found_and_named() -> None:
    inputs = problem(2, 2000, 30)

    def wrong(**a: Any) -> Any:
        g = grad_mse(**a)["X"]
        g[1234, 17] += 1e-6
        return g

    report = check_gradient(mse, wrong, inputs, wrt="X")
    assert not report
    assert report.inputs[0].worst[0].where == "[1234, 17]"
    assert report.inputs[0].worst[0].off_by == pytest.approx(1e-6, rel=1e-3)


def test_large_non_analytic_functions() -> None:
    inputs = problem(3, 500, 4)
    assert_gradient(mae, grad_mae, inputs)
    assert not check_gradient(mae, planted(grad_mae, "y", lambda g: g * (1 + 1e-6)), inputs)


@pytest.mark.slow
def test_directions_are_reproducible() -> None:
    inputs = problem(1, 200, 3)
    wrong = planted(grad_mse, "X", lambda g: g * 1.1)
    assert check_gradient(mse, wrong, inputs, rng=3) == check_gradient(mse, wrong, inputs, rng=3)
    assert check_gradient(mse, wrong, inputs, rng=3) != check_gradient(mse, wrong, inputs, rng=4)


# Forms of the call


def test_every_form_of_gradient() -> None:
    inputs = problem()
    right = grad_mse(**inputs)
    assert_gradient(mse, lambda **a: grad_mse(**a)["w"], inputs, wrt="w")
    assert_gradient(mse, lambda **a: (grad_mse(**a)["w"], grad_mse(**a)["b"]), inputs, wrt=["w", "b"])
    assert_gradient(mse, grad_mse, inputs, wrt=("b",))
    assert_gradient(mse, {"w": lambda X, y, w, b: right["w"], "b": right["b"]}, inputs)
    assert_gradient(mse, right["w"], inputs, wrt="w")
    assert_gradient(mse, (right["X"], right["y"], right["w"], right["b"]), inputs)
    assert_gradient(lambda w: np.sum(w**2), lambda w: 2 * w, {"w": [1.0, 2.0]})
    assert_gradient(lambda x: x**3, lambda x: 3 * x**2, {"x": 2.0})


def test_upstream_and_jacobian() -> None:
    inputs = {"X": problem()["X"], "w": problem()["w"]}
    G = np.arange(7.0)

    def predict(X: Any, w: Any) -> Any:
        return X @ w

    def backward(X: Any, w: Any, upstream: Any) -> Any:
        return np.outer(upstream, w), X.T @ upstream

    assert_gradient(predict, backward, inputs, upstream=G)
    assert_gradient(predict, lambda X: X.sum(axis=0), inputs, wrt="w", upstream=1.0)
    assert_gradient(predict, lambda X: X, inputs, wrt="w")
    assert not check_gradient(predict, lambda X: 2 * X, inputs, wrt="w")
    report = check_gradient(predict, lambda X: X.sum(axis=0), inputs, wrt="w")
    assert report
    assert report.notes == ("the function returns shape (7,); upstream=1.0, the gradient of its sum, is meant",)
    with pytest.raises(ValueError, match=r"Jacobian for 'w' has shape \(7, 3\), not \(7,\)"):
        check_gradient(predict, lambda X: X[:, 0], inputs, wrt="w")
    with pytest.raises(ValueError, match=r"upstream has shape \(3,\), the function returns \(7,\)"):
        check_gradient(predict, lambda X: X, inputs, wrt="w", upstream=np.ones(3))


def test_functions_that_return_one_number_in_an_array() -> None:
    assert_gradient(lambda w: np.sum(w**2).reshape(1, 1), lambda w: 2 * w, {"w": np.ones(3)})
    assert not check_gradient(lambda w: np.sum(w**2).reshape(1, 1), lambda w: [2 * w], {"w": np.ones(3)})


def test_integers_are_converted_and_said() -> None:
    report = check_gradient(lambda w: np.sum(w**2), lambda w: 2 * w, {"w": np.array([1, 2])})
    assert report.passed
    assert "w held integers" in str(report)
    labels = np.array([0, 2, 1])
    report = check_gradient(
        lambda P, labels: -np.sum(np.log(P[np.arange(3), labels])),
        lambda P, labels: -np.eye(3)[labels] / P,
        {"P": np.full((3, 3), 0.3), "labels": labels},
    )
    assert report.passed
    assert [r.name for r in report.inputs] == ["P"]


def test_other_objects_are_passed_through() -> None:
    inputs = {"x": np.array([1.0, 2.0]), "kind": "square", "options": {"power": 2}}
    assert_gradient(lambda x, kind, options: np.sum(x ** options["power"]), lambda x: 2 * x, inputs)


def test_an_object_that_can_be_called_need_not_be_hashable() -> None:
    @dataclass
    class Scaled:
        by: float

        def __call__(self, w: Any) -> Any:
            return self.by * np.sum(w**2)

    assert_gradient(Scaled(2.0), lambda w: 4 * w, {"w": np.ones(3)})


def test_inputs_are_never_changed() -> None:
    inputs = problem()
    before = {name: value.copy() for name, value in inputs.items()}

    def rude(X: Any, y: Any, w: Any, b: Any) -> Any:
        y -= X @ w + b
        return np.mean(y * y)

    report = check_gradient(rude, grad_mse, inputs)
    assert report.passed
    for name, value in before.items():
        np.testing.assert_array_equal(inputs[name], value)


def test_a_gradient_that_changes_its_inputs_is_reported() -> None:
    def rude(X: Any, y: Any, w: Any, b: Any) -> Any:
        y -= X @ w + b
        return -2 / len(y) * X.T @ y

    report = check_gradient(mse, rude, problem(), wrt="w")
    assert report.inputs[0].passed
    assert not report.passed
    assert "changes its input 'y'" in str(report)
    report = check_gradient(mse, {"w": rude}, problem())
    assert report.problems == ("the gradient function changes its input 'y'",)


def test_a_gradient_that_remembers_is_reported() -> None:
    total = np.zeros(3)

    def accumulating(X: Any, y: Any, w: Any, b: Any) -> Any:
        nonlocal total
        total += grad_mse(X, y, w, b)["w"]
        return total

    report = check_gradient(mse, accumulating, problem(), wrt="w")
    assert not report.passed
    assert "another result when called again" in str(report)


def test_a_reused_output_buffer_is_fine() -> None:
    buffer = np.zeros(3)

    def reuse(X: Any, y: Any, w: Any, b: Any) -> Any:
        buffer[:] = grad_mse(X, y, w, b)["w"]
        return buffer

    assert_gradient(mse, reuse, problem(), wrt="w")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda i: check_gradient(mse, grad_mse, i, wrt="v"), ValueError, "no input 'v'; the inputs are X, y"),
        (lambda i: check_gradient(mse, np.zeros(9), i), ValueError, "one gradient for 4 inputs"),
        (lambda i: check_gradient(mse, (1.0, 2.0), i, wrt="b"), ValueError, "2 gradients for 1 inputs"),
        (lambda i: check_gradient(mse, lambda **a: {"w": 1}, i, wrt=["w", "X"]), ValueError, "returned w, but not 'X'"),
        (lambda i: check_gradient(mse, {"w": 1.0}, i, wrt="b"), ValueError, "returned w, but not 'b'"),
        (lambda i: check_gradient(mse, {"v": 1.0}, i), ValueError, "no input 'v'"),
        (lambda i: check_gradient(mse, lambda **a: None, i, wrt="b"), TypeError, "returned None"),
        (lambda i: check_gradient(mse, lambda **a: 1j, i, wrt="b"), TypeError, "not complex128"),
        (lambda i: check_gradient(mse, grad_mse, {**i, "b": np.inf}), ValueError, "input 'b' is inf"),
        (lambda i: check_gradient(mse, grad_mse, {**i, "w": i["w"] * 1j}, wrt="w"), TypeError, "real numbers"),
        (
            lambda i: check_gradient(lambda w, v: w @ v, None, i, wrt="w"),
            TypeError,
            "needs 'v', but is called with the inputs by their names",
        ),
        (
            lambda i: check_gradient(np.sum, lambda v: np.ones(3), {"a": np.zeros(3)}),
            TypeError,
            "needs 'v', but is called with the inputs by their names",
        ),
        (lambda i: check_gradient(mse, grad_mse, [1.0]), TypeError, "mapping name → array, not list"),
        (lambda i: check_gradient(lambda w: w, None, {"w": "text"}), ValueError, "no floating input"),
        (
            lambda i: check_gradient(lambda w: np.log(-w @ w), lambda w: w, {"w": i["w"]}),
            ValueError,
            "not finite at these inputs",
        ),
        (lambda i: check_gradient(lambda w: w * 1j, lambda w: w, {"w": 1.0}), TypeError, "complex numbers"),
    ],
)
def test_unusable_calls_say_why(call: Callable[[Any], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call(problem())
    assert words in str(caught.value)


def test_where_there_is_no_derivative_nothing_is_accepted() -> None:
    report = check_gradient(lambda x: np.sum(np.sqrt(np.abs(x))), lambda x: 0 * x, {"x": np.zeros(2)})
    assert not report.passed
    assert (report.inputs[0].wrong, report.inputs[0].unknown, report.inputs[0].facts) == (0, 2, ())
    assert "not judged" in report.inputs[0].headline
    assert "check at another point" in str(report)


def test_values_that_never_move_have_derivative_zero() -> None:
    x = {"x": np.array([-1.0, 2.0])}
    assert_gradient(lambda x: 5 + np.sum(np.maximum(np.real(x), 0)), lambda x: np.array([0.0, 1.0]), x)
    assert_gradient(lambda x: 5.0, lambda x: 0 * x, x)
    assert not check_gradient(lambda x: 5.0, lambda x: 0 * x + 1e-9, x)


# The report


def many_wrong() -> GradientReport:
    inputs = {f"w{i}": np.arange(1.0, 4.0 + i) for i in range(3)}

    def function(**arrays: Any) -> Any:
        return sum(np.sum(a**2) for a in arrays.values())

    def wrong(**arrays: Any) -> Any:
        arrays["w0"] += 1
        return {name: 3 * a for name, a in arrays.items()}

    return check_gradient(function, wrong, inputs)


@pytest.mark.parametrize(
    "report",
    [
        many_wrong(),
        check_gradient(mse, grad_mse, problem()),
        check_gradient(mse, planted(grad_mse, "X", lambda g: g.T), problem()),
        check_gradient(mse, planted(grad_mse, "w", lambda g: -g), problem(dtype=np.float32)),
        check_gradient(mse, planted(grad_mse, "w", lambda g: g * np.nan), problem(1, 400, 30)),
    ],
)
def test_reports_are_short_plain_and_built_in(report: GradientReport) -> None:
    text = str(report)
    assert len(text.splitlines()) <= 20
    assert max(map(len, text.splitlines())) <= 110
    assert "np." not in text
    page = report._repr_html_()
    assert page.count("<table>") == page.count("</table>")
    data = report.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(json.dumps(data))
    assert data["passed"] is report.passed
    assert type(report.points(3)) is float


def test_html_is_escaped() -> None:
    report = check_gradient(lambda **a: np.sum(a["<b>"] ** 2), lambda **a: a["<b>"], {"<b>": np.ones(2)})
    assert "<b>" not in report._repr_html_()
    assert "&lt;b&gt;" in report._repr_html_()


def test_points_are_the_share_of_right_gradients() -> None:
    report = check_gradient(mse, planted(grad_mse, "w", lambda g: -g), problem())
    assert report.points(4) == 3.0
    assert many_wrong().points(4) == 0.0
    assert repr(check_gradient(mse, grad_mse, problem()).points(4)) == "4.0"


def test_assert_gradient_is_silent_or_raises(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert assert_gradient(mse, grad_mse, problem()) is None
        with pytest.raises(GradientError, match=r"opposite|negative|sign") as caught:
            assert_gradient(mse, planted(grad_mse, "w", lambda g: -g), problem())
        check_gradient(lambda x: np.sum(np.log(x)), lambda x: 1 / (x - x), {"x": np.array([1e-300, 1.0])})
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value) == str(caught.value.report)
    assert pickle.loads(pickle.dumps(caught.value)).report == caught.value.report
    assert capfd.readouterr() == ("", "")


def test_names_are_exported() -> None:
    assert npreg.check_gradient is check_gradient
    assert npreg.assert_gradient is assert_gradient
