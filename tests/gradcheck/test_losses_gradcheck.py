"""Every loss of the package, and the linear model's backward pass, against numerical derivatives.

The losses are found in the registry, and each is tested with parameters that are not its defaults. Every
test is itself tested: the same check must fail with an error planted in the derivative.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from npreg import LOSSES, Loss, check_gradient, linreg, linreg_backward

PARAMETERS: dict[str, list[dict[str, float]]] = {
    "huber": [{"delta": 0.3}, {"delta": 2.5}],
    "quantile": [{"tau": 0.9}, {"tau": 0.1}, {"tau": 0.25}],
}
CASES = [loss.bind(**parameters) for name, loss in LOSSES.items() for parameters in [{}, *PARAMETERS.get(name, [])]]
losses = pytest.mark.parametrize("loss", CASES, ids=lambda loss: f"{loss.name}{loss.params or ''}")
kinds = pytest.mark.parametrize(
    ("outputs", "dtype"),
    [
        pytest.param(1, np.float64, id="1-float64"),
        pytest.param(3, np.float32, id="3-float32"),
        pytest.param(1, np.float32, id="1-float32", marks=pytest.mark.slow),
        pytest.param(3, np.float64, id="3-float64", marks=pytest.mark.slow),
    ],
)


def data(outputs: int, dtype: Any, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    values = {
        "X": rng.normal(size=(7, 3)) + 0.5,
        "w": rng.normal(size=(3, outputs)),
        "b": rng.normal(size=outputs) + 0.5,
        "y": rng.normal(size=(7, outputs)),
    }
    return {name: value.astype(dtype) for name, value in values.items()}


def mean_loss(loss: Loss) -> Callable[..., Any]:
    return lambda X, w, b, y: np.sum(loss.value(linreg(X, w, b), y)) / len(X)


def mean_loss_grad(loss: Loss, grad: Any = None, backward: Any = linreg_backward) -> Callable[..., Any]:
    def gradients(X: Any, w: Any, b: Any, y: Any) -> Any:
        upstream = (grad or loss.grad)(linreg(X, w, b), y)
        grad_w, grad_b = backward(X, upstream)
        return grad_w / len(X), grad_b / len(X)

    return gradients


def test_the_registry_is_covered() -> None:
    """A loss with a parameter needs cases away from its default."""
    for name, loss in LOSSES.items():
        own = list(inspect.signature(loss.value_function).parameters)[2:]
        assert all(any(p in case for case in PARAMETERS.get(name, [])) for p in own), name


@losses
@kinds
def test_loss_derivative(loss: Loss, outputs: int, dtype: Any) -> None:
    values = data(outputs, dtype)
    inputs = {"y_hat": values["X"] @ values["w"], "y": values["y"]}
    report = check_gradient(loss.value, loss.grad, inputs, wrt="y_hat", upstream=1.0)
    assert report.passed, str(report)
    assert loss.grad(**inputs).dtype == dtype


@losses
@kinds
def test_derivative_of_the_mean_loss_in_the_parameters(loss: Loss, outputs: int, dtype: Any) -> None:
    report = check_gradient(mean_loss(loss), mean_loss_grad(loss), data(outputs, dtype), wrt=["w", "b"])
    assert report.passed, str(report)


@losses
def test_labels_of_one_column(loss: Loss) -> None:
    values = data(1, np.float64)
    values["y"] = values["y"].ravel()
    report = check_gradient(mean_loss(loss), mean_loss_grad(loss), values, wrt=["w", "b"])
    assert report.passed, str(report)


@losses
def test_every_subgradient_that_is_returned_at_a_kink_is_one(loss: Loss) -> None:
    y = np.array([[0.5], [1.0], [-2.0]])
    report = check_gradient(
        loss.value, loss.grad, {"y_hat": y + np.array([[0], [0], [1.0]]), "y": y}, wrt="y_hat", upstream=1.0
    )
    assert report.passed, str(report)
    assert (report.inputs[0].kinks == 2) == (loss.name in {"absolute", "quantile"})


@kinds
def test_linreg_backward(outputs: int, dtype: Any) -> None:
    values = {name: value for name, value in data(outputs, dtype).items() if name != "y"}
    upstream = np.random.default_rng(1).normal(size=(7, outputs)).astype(dtype)

    def backward(X: Any, w: Any, b: Any, upstream: Any) -> Any:
        return linreg_backward(X, upstream)

    report = check_gradient(linreg, backward, values, wrt=["w", "b"], upstream=upstream)
    assert report.passed, str(report)


# The test of the tests


LOSS_ERRORS: dict[str, Callable[[Any], Any]] = {
    "factor 2": lambda g: 2 * g,
    "factor 1.001": lambda g: 1.001 * g,
    "sign": lambda g: -g,
    "mean instead of rows": lambda g: g / len(g),
    "reduced to the mean": lambda g: np.broadcast_to(g.mean(axis=0), g.shape),
    "sum over the rows": lambda g: g.sum(axis=0, keepdims=True),
    "transposed": lambda g: g.T,
    "flattened": lambda g: g.ravel(),
}


@pytest.mark.parametrize(("loss", "dtype", "error"), list(product(CASES, [np.float64, np.float32], LOSS_ERRORS))[::5])
def test_errors_planted_in_a_loss_derivative_are_seen(loss: Loss, dtype: Any, error: str) -> None:
    values = data(3, dtype)
    inputs = {"y_hat": values["X"] @ values["w"], "y": values["y"]}
    wrong = lambda y_hat, y: LOSS_ERRORS[error](loss.grad(y_hat, y))  # noqa: E731
    assert not check_gradient(loss.value, wrong, inputs, wrt="y_hat", upstream=1.0)


BACKWARD_ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "factor n": lambda X, g: (len(X) * (X.T @ g), g.sum(axis=0)),
    "sign of w": lambda X, g: (-X.T @ g, g.sum(axis=0)),
    "sign of b": lambda X, g: (X.T @ g, -g.sum(axis=0)),
    "transposed": lambda X, g: (g.T @ X, g.sum(axis=0)),
    "mean for sum": lambda X, g: (X.T @ g, g.mean(axis=0)),
    "summed over the outputs": lambda X, g: (X.T @ g, g.sum(axis=1)[: g.shape[1]]),
    "summed over everything": lambda X, g: (X.T @ g, np.broadcast_to(g.sum(), g.shape[1])),
    "last row only": lambda X, g: (np.outer(X[-1], g[-1]), g.sum(axis=0)),
    "not summed": lambda X, g: (X.T @ g, g),
}


@pytest.mark.parametrize(("loss", "error"), list(product(CASES, BACKWARD_ERRORS))[::4])
def test_errors_planted_in_the_backward_pass_are_seen(loss: Loss, error: str) -> None:
    wrong = mean_loss_grad(loss, backward=BACKWARD_ERRORS[error])
    assert not check_gradient(mean_loss(loss), wrong, data(3, np.float64), wrt=["w", "b"])


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_forgotten_parameter_is_seen(name: str) -> None:
    """A derivative that is right only at the default parameters, as shipped by others."""
    values = data(3, np.float64)
    inputs = {"y_hat": values["X"] @ values["w"], "y": values["y"]}
    for parameters in PARAMETERS[name]:
        report = check_gradient(
            LOSSES[name].bind(**parameters).value, LOSSES[name].grad, inputs, wrt="y_hat", upstream=1.0
        )
        assert not report
