"""The verdict where the true derivative is zero (judged by the forward rounding), or unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from npreg import LOSSES, check_gradient, linreg, linreg_backward

Case = Callable[[np.random.Generator], tuple[Any, Any, dict[str, Any], str]]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    """A function, its right gradient, inputs, and the input in which the derivative vanishes."""
    CASES[make.__name__] = make
    return make


def norm(x: Any) -> Any:
    c = x - x.mean(axis=0)
    return c / np.sqrt(np.mean(c**2, axis=0) + 1e-5)


def norm_back(x: Any, upstream: Any) -> Any:
    h = norm(x)
    centred = upstream - upstream.mean(axis=0) - h * (upstream * h).mean(axis=0)
    return centred / np.sqrt(np.mean((x - x.mean(axis=0)) ** 2, axis=0) + 1e-5)


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_back(p: Any, upstream: Any) -> Any:
    return p * (upstream - (upstream * p).sum(axis=-1, keepdims=True))


@case
def bias_before_batch_norm(r: Any) -> Any:
    X, G, b = r.normal(size=(16, 3)), r.normal(size=(16, 3)), r.normal(size=3)
    return (lambda X, b: np.sum(G * norm(X + b)), lambda X, b: norm_back(X + b, G).sum(0), {"X": X, "b": b}, "b")


@case
def bias_of_zero_before_batch_norm(r: Any) -> Any:
    function, gradient, inputs, name = bias_before_batch_norm(r)
    return function, gradient, {**inputs, "b": np.zeros(3)}, name


@case
def bias_before_batch_norm_in_float32(r: Any) -> Any:
    function, gradient, inputs, name = bias_before_batch_norm(r)
    return function, gradient, {key: value.astype(np.float32) for key, value in inputs.items()}, name


@case
def bias_before_batch_norm_and_relu(r: Any) -> Any:
    """Only differences apply to the ReLU."""
    X, G, b = r.normal(size=(16, 3)), r.normal(size=(16, 3)), r.normal(size=3)
    return (
        lambda X, b: np.sum(G * np.maximum(norm(X + b), 0)),
        lambda X, b: norm_back(X + b, G * (norm(X + b) > 0)).sum(axis=0),
        {"X": X, "b": b},
        "b",
    )


@case
def sum_of_batch_norm(r: Any) -> Any:
    x = {"x": r.normal(size=(12, 3))}
    return lambda x: norm(x).sum(), lambda x: norm_back(x, np.ones_like(x)), x, "x"


@case
def sum_of_batch_norm_of_absolute_values(r: Any) -> Any:
    """The complex step loses everything in np.abs, along random directions, too."""
    back = lambda x: norm_back(np.abs(x), np.ones_like(x)) * np.sign(x)  # noqa: E731
    return lambda x: norm(np.abs(x)).sum(), back, {"x": r.normal(size=(110, 3))}, "x"


@case
def sum_of_softmax(r: Any) -> Any:
    z = {"z": r.normal(size=(4, 5))}
    return lambda z: softmax(z).sum(), lambda z: softmax_back(softmax(z), np.ones_like(z)), z, "z"


@case
def sum_of_softmax_in_python_numbers(r: Any) -> Any:
    def total(z: Any) -> Any:
        e = np.array([np.exp(v) for v in z])
        return float(np.sum(np.real(e / e.sum())))

    return total, lambda z: softmax_back(softmax(z), np.ones(5)), {"z": r.normal(size=5)}, "z"


@case
def one_number_added_to_all_logits(r: Any) -> Any:
    labels, rows = r.integers(0, 4, 6), np.arange(6)
    return (
        lambda Z, c: -np.mean(np.log(softmax(Z + c)[rows, labels])),
        lambda Z, c: np.sum(softmax(Z + c) - np.eye(4)[labels]) / 6,
        {"Z": r.normal(size=(6, 4)), "c": np.asarray(r.normal())},
        "c",
    )


@case
def key_bias_of_attention(r: Any) -> Any:
    Q, K, V, G, b = (r.normal(size=s) for s in ((4, 3), (5, 3), (5, 2), (4, 2), 3))
    return (
        lambda Q, K, b: np.sum(G * (softmax(Q @ (K + b).T) @ V)),
        lambda Q, K, b: (softmax_back(softmax(Q @ (K + b).T), G @ V.T).T @ Q).sum(axis=0),
        {"Q": Q, "K": K, "b": b},
        "b",
    )


@case
def scale_of_what_is_divided_by_its_length(r: Any) -> Any:
    x, G = r.normal(size=5), r.normal(size=5)

    def back(x: Any, s: Any) -> Any:
        v, length = s * x, np.sqrt(np.sum((s * x) ** 2))
        return (G / length - v * (G @ v) / length**3) @ x

    return lambda x, s: G @ (s * x) / np.sqrt(np.sum((s * x) ** 2)), back, {"x": x, "s": np.asarray(1.7)}, "s"


@case
def bias_before_centring(r: Any) -> Any:
    centred = lambda X, b: X + b - (X + b).mean(axis=0)  # noqa: E731
    inputs = {"X": r.normal(size=(6, 3)), "b": r.normal(size=3)}
    return lambda X, b: np.sum(centred(X, b) ** 2), lambda X, b: (2 * centred(X, b)).sum(axis=0), inputs, "b"


@pytest.mark.parametrize("seeds", [3, pytest.param(9, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", CASES.values(), ids=CASES)
def test_a_right_gradient_that_is_zero_but_for_rounding_is_right(make: Case, seeds: int) -> None:
    for seed in range(seeds):  # 12 cases
        function, gradient, inputs, name = make(np.random.default_rng(seed))
        report = check_gradient(function, gradient, inputs, wrt=name)
        assert report.passed, str(report)
        if not seed:
            assert check_gradient(function, 0 * inputs[name], inputs, wrt=name)
            size = 1.0 if inputs[name].dtype == np.float32 else 1e-7
            wrong = check_gradient(function, 0 * inputs[name] + size, inputs, wrt=name)
            assert [r.wrong for r in wrong.inputs] == [wrong.inputs[0].total]


@pytest.mark.parametrize("runs", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_right_gradients_of_the_losses_are_right_wherever(runs: int) -> None:
    """Five losses in three of their settings, at random scales, far from the optimum and at it."""
    settings: dict[str, list[dict[str, float]]] = {
        "huber": [{}, {"delta": 0.3}, {"delta": 2.5}],
        "quantile": [{}, {"tau": 0.9}, {"tau": 0.1}],
    }
    rng = np.random.default_rng(0)
    for seed in range(runs):
        n, d = int(rng.integers(2, 12)), int(rng.integers(1, 4))
        scale, noise = 10.0 ** rng.integers(-4, 5), 10.0 ** rng.integers(-9, 1)
        X, w, b = rng.normal(size=(n, d)) * scale, rng.normal(size=(d, 1)), rng.normal(size=1) * scale
        y = linreg(X, w, b) + noise * scale * rng.normal(size=(n, 1))
        for name, loss in LOSSES.items():
            for parameters in settings.get(name, [{}] * 3):
                bound = loss.bind(**parameters)

                def gradients(X: Any, y: Any, w: Any, b: Any, bound: Any = bound) -> Any:
                    return linreg_backward(X, bound.grad(linreg(X, w, b), y))

                report = check_gradient(
                    lambda X, y, w, b, bound=bound: np.sum(bound.value(linreg(X, w, b), y)),
                    gradients,
                    {"X": X, "y": y, "w": w, "b": b},
                    wrt=["w", "b"],
                )
                assert report.passed, f"{seed} {name} {parameters}: {report}"


@pytest.mark.parametrize("power", [1.5, 2.5])
def test_a_derivative_of_zero_is_judged_by_how_far_the_function_moves(power: float) -> None:
    """Differences know it badly there: the second derivative has no bound."""

    def gradient(x: Any) -> Any:
        return power * np.sign(x) * np.abs(x) ** (power - 1)

    for x in (np.zeros(3), np.array([0.0, 1.0, -2.0])):
        assert check_gradient(lambda x: np.sum(np.abs(x) ** power), gradient, {"x": x})
        assert not check_gradient(lambda x: np.sum(np.abs(x) ** power), lambda x: gradient(x) + 0.2, {"x": x})


def test_an_entry_without_a_derivative_is_not_judged() -> None:
    x = {"x": np.array([0.0, 2.0])}
    for slope in (0.0, 7.0):
        report = check_gradient(
            lambda x: np.sum(np.sqrt(np.abs(x))),
            lambda x, s=slope: np.where(x > 0, 0.5 / np.sqrt(np.maximum(x, 1)), s),
            x,
        )
        (entry,) = report.inputs
        assert (entry.passed, entry.wrong, entry.unknown, entry.facts) == (False, 0, 1, ())
        assert "not judged in 1 of 2" in str(report)
        assert report.to_dict()["inputs"][0]["unknown"] == 1
