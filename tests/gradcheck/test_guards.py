"""Small constants against log(0) and 1/0 do not make a gradient wrong; other small constants do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from npreg import check_gradient
from npreg.isolation import unguarded

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]]
Y, W = np.array([0.0, 1.0, 1.0, 0.0]), RNG.normal(size=3)


def softmax(x: Any) -> Any:
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def guarded_loss(x: Any, t: Any) -> Any:
    return -np.sum(t * np.log(softmax(x) + 1e-7)) / len(t)


def exact(x: Any, t: Any) -> Any:
    return (softmax(x) - t) / len(t)


def logistic(X: Any, y: Any, w: Any) -> Any:
    p = 1 / (1 + np.exp(-X @ w))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def guarded_division(X: Any, y: Any, w: Any) -> Any:
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ ((p - y) / (p * (1 - p) + 1e-8) * p * (1 - p)) / len(y)


def clipped(X: Any, y: Any, w: Any, eps: float = 1e-6) -> Any:
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ ((p - y) / (p * (1 - p) + eps) * p * (1 - p)) / len(y)


def added(X: Any, y: Any, w: Any) -> Any:
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y) + 1e-6 * w


def offset(X: Any, y: Any, w: Any) -> Any:
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y) + 1e-9


def doubled(X: Any, y: Any, w: Any) -> Any:
    return 2 * guarded_division(X, y, w)


def quotient(X: Any, y: Any, w: Any) -> Any:
    h, g = 1e-5, np.zeros_like(w)
    for i, e in enumerate(np.eye(len(w))):
        g[i] = (logistic(X, y, w + h * e) - logistic(X, y, w - h * e)) / (2 * h)
    return g


DATA = {"X": X, "y": Y, "w": W}


@pytest.mark.parametrize("gradient", [guarded_division, clipped])
def test_a_guard_in_the_gradient_is_right_and_said(gradient: Any) -> None:
    report = check_gradient(logistic, gradient, DATA, wrt="w")
    assert report.passed, str(report)
    assert report.inputs[0].facts[0].startswith("guard: ")
    assert "note: guard" in str(report)


def test_a_guard_in_the_loss_is_right_and_said() -> None:
    report = check_gradient(guarded_loss, exact, {"x": X, "t": T}, wrt="x")
    assert report.passed
    assert "(1e-07)" in str(report)


def test_a_guard_in_an_object_is_right_and_said() -> None:
    class SoftmaxWithLoss:
        def forward(self, x: Any, t: Any) -> Any:
            self.t, self.y = t, np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            return -np.sum(t * np.log(self.y + 1e-7)) / len(t)

        def backward(self) -> Any:
            return (self.y - self.t) / len(self.t)

    assert check_gradient(SoftmaxWithLoss(), None, {"x": X, "t": T}, wrt="x")


@pytest.mark.slow
def test_other_mistakes_beside_a_guard_are_named() -> None:
    report = check_gradient(guarded_loss, lambda x, t: -exact(x, t), {"x": X, "t": T}, wrt="x")
    assert [m.code for m in report.inputs[0].mistakes] == ["sign"]


@pytest.mark.parametrize("gradient", [added, offset, doubled])
def test_other_small_constants_are_wrong(gradient: Any) -> None:
    assert not check_gradient(logistic, gradient, DATA, wrt="w").passed


def test_a_difference_quotient_is_numerical() -> None:
    report = check_gradient(logistic, quotient, DATA, wrt="w")
    assert not report.passed
    assert [m.code for m in report.inputs[0].mistakes] == ["numerical"]


def test_constants_are_found_where_they_guard() -> None:
    found = unguarded(clipped)
    assert found is not None
    assert found[1] == [1e-6]
    assert unguarded(added) == (added, [])
    assert unguarded(np.sum) == (np.sum, [])
