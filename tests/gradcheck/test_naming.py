"""Textbook mistakes planted in gradients of people's own losses, and the names they are given."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from npreg import check_gradient

RNG = np.random.default_rng(2)
X, Y, W, ONE_HOT = (RNG.normal(size=(6, 3)), RNG.normal(size=6), RNG.normal(size=3), np.eye(3)[[0, 2, 1, 1, 0, 2]])
CLASSES = np.array([0, 2, 1, 1, 0, 2])


def ridge(X: Any, y: Any, w: Any, b: Any, alpha: Any) -> Any:
    r = X @ w + b - y
    return np.mean(r**2) + alpha * np.sum(w**2)


RIDGE = {"X": X, "y": Y, "w": W, "b": 0.4, "alpha": 0.3}


def at(X: Any, y: Any, w: Any, b: Any, alpha: Any) -> tuple[Any, Any, Any]:
    """The number of examples, the residual and the penalty's derivative."""
    return len(y), X @ w + b - y, 2 * alpha * w


def right(X: Any, y: Any, w: Any, b: Any, alpha: Any) -> Any:
    n, r, p = at(X, y, w, b, alpha)
    return 2 / n * X.T @ r + p


# what is planted, the gradient from (n, r, p) and the inputs, codes that are right names for it
Plant = Callable[..., Any]
MISTAKES: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "1/n missing": (lambda n, r, p, X, **_: 2 * X.T @ r + p, ("term-factor",)),
    "everything n times": (lambda n, r, p, X, **_: 2 * X.T @ r + n * p, ("factor:n",)),
    "2 missing": (lambda n, r, p, X, **_: (2 / n * X.T @ r + p) / 2, ("factor:1/2",)),
    "sign": (lambda n, r, p, X, **_: -2 / n * X.T @ r - p, ("sign",)),
    "penalty forgotten": (lambda n, r, p, X, **_: 2 / n * X.T @ r, ("missing-term",)),
    "penalty with the wrong sign": (lambda n, r, p, X, **_: 2 / n * X.T @ r - p, ("term-sign",)),
    "residual reversed": (lambda n, r, p, X, **_: -2 / n * X.T @ r + p, ("term-sign",)),
    "b ignored": (lambda n, r, p, X, b, **_: 2 / n * X.T @ (r - b) + p, ("ignores:b", "chain-missing")),
    "square kept": (lambda n, r, p, X, **_: 2 / n * X.T @ r**2 + p, ("loss-for-derivative", "chain")),
    "last row only": (lambda n, r, p, X, **_: 2 / n * X[-1] * r[-1] + p, ("last-only",)),
    "first row left out": (lambda n, r, p, X, **_: 2 / n * X[1:].T @ r[1:] + p, ("off-by-one",)),
    "update returned": (lambda n, r, p, X, w, **_: w - 2 / n * X.T @ r - p, ("update-returned",)),
    "divided by alpha": (lambda n, r, p, X, alpha, **_: (2 / n * X.T @ r + p) / alpha, ("factor:1/alpha",)),
}


def codes_of(report: Any) -> list[str]:
    return [m.code for r in report.inputs for m in r.mistakes] + [
        alternative for r in report.inputs for m in r.mistakes for alternative in m.alternatives
    ]


SOME = ("1/n missing", "penalty forgotten", "last row only")


@pytest.mark.parametrize(
    "name", [name if name in SOME else pytest.param(name, marks=pytest.mark.slow) for name in MISTAKES]
)
def test_mistakes_on_ridge_are_named(name: str) -> None:
    plant, expected = MISTAKES[name]
    report = check_gradient(ridge, lambda **a: plant(*at(**a), **a), RIDGE, wrt="w")
    (first, *_) = report.inputs[0].mistakes
    assert any(first.code.startswith(code) for code in expected), (first, codes_of(report))
    assert first.message.split()[0] in " ".join(str(report).split())
    data = report.to_dict()
    assert data["inputs"][0]["mistakes"][0]["code"] == first.code
    json.dumps(data, allow_nan=False)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(S: Any) -> Any:
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def logistic(X: Any, y: Any, w: Any, b: Any) -> Any:
    z = X @ w + b
    p = sigmoid(z)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def cross_entropy(X: Any, y: Any, W: Any) -> Any:
    P = softmax(X @ W)
    return -np.mean(np.log(P[np.arange(len(y)), y]))


def net(X: Any, y: Any, W1: Any, w2: Any) -> Any:
    H = np.tanh(X @ W1)
    r = H @ w2 - y
    return np.mean(r**2) / 2


LOGISTIC = {"X": X, "y": (CLASSES > 0).astype(float), "w": W, "b": 0.4}
# of more classes than are looked at: these are then fewer, too
SOFTMAX = {"X": RNG.normal(size=(60, 8)), "y": RNG.integers(0, 7, 60), "W": RNG.normal(size=(8, 7))}
NET = {"X": X, "y": Y, "W1": RNG.normal(size=(3, 4)), "w2": RNG.normal(size=4)}
Others = list[tuple[str, Callable[..., Any], Any, dict[str, Any], str, tuple[str, ...]]]
OTHERS: Others = [
    ("n", logistic, lambda X, y, w, b: X.T @ (sigmoid(X @ w + b) - y), LOGISTIC, "w", ("factor:n",)),
    ("sign", logistic, lambda X, y, w, b: X.T @ (y - sigmoid(X @ w + b)) / len(y), LOGISTIC, "w", ("sign",)),
    (
        "sigma' twice",
        logistic,
        lambda X, y, w, b: X.T @ ((sigmoid(X @ w + b) - y) * (s := sigmoid(X @ w + b)) * (1 - s)) / len(y),
        LOGISTIC,
        "w",
        ("chain",),
    ),
    ("z for p", logistic, lambda X, y, w, b: X.T @ (X @ w + b - y) / len(y), LOGISTIC, "w", ("chain", "pre")),
    ("b", logistic, lambda X, y, w, b: X.T @ (sigmoid(X @ w) - y) / len(y), LOGISTIC, "w", ("ignores:b",)),
    ("last", logistic, lambda X, y, w, b: X[-1] * (sigmoid(X @ w + b) - y)[-1] / len(y), LOGISTIC, "w", ("last-only",)),
    ("n", cross_entropy, lambda X, y, W: X.T @ (softmax(X @ W) - np.eye(W.shape[1])[y]), SOFTMAX, "W", ("factor:n",)),
    (
        "sign",
        cross_entropy,
        lambda X, y, W: X.T @ (np.eye(W.shape[1])[y] - softmax(X @ W)) / len(y),
        SOFTMAX,
        "W",
        ("sign",),
    ),
    (
        "divided by k",
        cross_entropy,
        lambda X, y, W: X.T @ (softmax(X @ W) - np.eye(W.shape[1])[y]) / len(y) / W.shape[1],
        SOFTMAX,
        "W",
        ("factor:1/",),
    ),
    (
        "tanh' missing",
        net,
        lambda X, y, W1, w2: X.T @ np.outer(np.tanh(X @ W1) @ w2 - y, w2) / len(y),
        NET,
        "W1",
        ("chain-missing:H",),
    ),
    ("n", net, lambda X, y, W1, w2: np.tanh(X @ W1).T @ (np.tanh(X @ W1) @ w2 - y), NET, "w2", ("factor:n",)),
    (
        "X for H",
        net,
        lambda X, y, W1, w2: (X @ W1).T @ (np.tanh(X @ W1) @ w2 - y) / len(y),
        NET,
        "w2",
        ("chain", "pre", "ignores", "wrong"),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "loss", "gradient", "inputs", "wrt", "expected"), OTHERS)
def test_mistakes_on_other_models_are_named(
    name: str, loss: Any, gradient: Any, inputs: Any, wrt: str, expected: tuple[str, ...]
) -> None:
    report = check_gradient(loss, gradient, inputs, wrt=wrt)
    found = codes_of(report)
    assert found, str(report)
    assert any(code.startswith(expected) for code in found), found


def test_an_upstream_that_is_ignored_is_named() -> None:
    function = lambda x, t: np.where(abs(x - t) <= 1, (x - t) ** 2 / 2, abs(x - t) - 0.5)  # noqa: E731
    inputs = {"x": 2 * Y, "t": RNG.normal(size=6)}
    backward = lambda x, t, upstream: np.clip(x - t, -1, 1)  # noqa: E731
    for upstream in (RNG.normal(size=6), 2.5):
        report = check_gradient(function, backward, inputs, upstream=upstream, wrt="x")
        assert report.inputs[0].mistakes[0].code == "ignores:upstream"


def test_equal_sizes_are_told_apart_where_the_function_allows_it() -> None:
    square = {**RIDGE, "X": RNG.normal(size=(3, 3)), "y": Y[:3]}
    for factor, code in ((lambda X: len(X), "factor:n"), (lambda X: X.shape[1], "factor:d")):
        report = check_gradient(ridge, lambda f=factor, **a: f(a["X"]) * right(**a), square, wrt="w")
        assert [m.code for m in report.inputs[0].mistakes] == [code]
        assert f"{code[-1]} is X.shape[{'nd'.index(code[-1])}]" in report.inputs[0].mistakes[0].message


def test_a_function_of_fixed_sizes_is_judged_on_other_numbers() -> None:
    table = RNG.normal(size=(6, 3))
    report = check_gradient(lambda w: np.sum((table @ w) ** 2) / 2, lambda w: table.T @ (table @ w) / 6, {"w": W})
    assert not report.passed
    assert all("n" not in m.code.partition(":")[2] for m in report.inputs[0].mistakes)


@pytest.mark.slow
def test_symmetric_matrices_stay_symmetric_and_a_name_may_end_in_an_underscore() -> None:
    K = X @ X.T + np.eye(6)
    objective = lambda a, K, y, lambda_: np.sum((K @ a - y) ** 2) + lambda_ * a @ K @ a  # noqa: E731
    half = lambda a, K, y, lambda_: 2 * K @ (K @ a - y) + lambda_ * K @ a  # noqa: E731
    report = check_gradient(objective, half, {"a": Y, "K": K, "y": Y[::-1], "lambda_": 0.3}, wrt="a")
    assert [m.code for m in report.inputs[0].mistakes] == ["term-factor:loss"]


def test_nothing_is_named_that_is_not_repeatable_and_what_cannot_be_tried_is_said() -> None:
    calls: list[int] = []
    report = check_gradient(lambda w: np.sum(w**2), lambda w: calls.append(0) or len(calls) * w, {"w": W})
    assert report.inputs[0].mistakes == ()
    assert "another result when called again" in str(report)

    def only_here(w: Any) -> Any:
        if np.max(np.abs(w - W)) > 1e-2:
            raise ValueError("no other numbers")
        return np.sum(w**2)

    report = check_gradient(only_here, lambda w: w, {"w": W})
    assert "could not be looked for" in report.inputs[0].mistakes[0].message


@pytest.mark.slow
def test_nothing_is_named_at_random() -> None:
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(size=(50, 3))
        report = check_gradient(ridge, lambda n=noise, **a: n[len(a["y"])] * len(a["X"].T), RIDGE, wrt="w")
        assert {m.code for m in report.inputs[0].mistakes} <= {"not-recognised", "global-or-hardcoded"}


def test_of_a_gradient_given_as_numbers_it_is_told_that_a_function_shows_more() -> None:
    (mistake,) = check_gradient(ridge, 2 * right(**RIDGE), RIDGE, wrt="w").inputs[0].mistakes
    assert mistake.code == "not-recognised"
    assert "the function that computes the gradient, not its value" in mistake.message
    assert codes_of(check_gradient(ridge, lambda **a: 2 * right(**a), RIDGE, wrt="w"))[0] == "factor:2"


@pytest.mark.slow
def test_names_survive_pickling() -> None:
    report = check_gradient(ridge, lambda **a: -right(**a), RIDGE, wrt="w")
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert [m.code for m in again.inputs[0].mistakes] == ["sign"]
    assert "sign" in report.to_dict()["inputs"][0]["mistakes"][0]["code"]


def softmax_loss(W: Any, X: Any, y: Any, reg: Any, mistake: str = "") -> tuple[Any, Any]:
    """As the courses on vision have it: loss and gradient in one, the penalty in the loss's own line."""
    n = X.shape[0]
    scores = X.dot(W)
    scores -= scores.max(axis=1, keepdims=True)
    exps = np.exp(scores)
    p = exps / exps.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(n), y]).sum() / n + reg * np.sum(W * W)
    d = p.copy()
    d[np.arange(n), y] -= 1
    dW = X.T.dot(d) / (1 if mistake == "n" else n) + {"reg": 0, "half": 1}.get(mistake, 2) * reg * W
    return loss, dW


def cost(X: Any, y: Any, w: Any, b: Any, lambda_: Any) -> Any:
    """As the courses on machine learning have it: loops over examples, which are not followed."""
    m, total = X.shape[0], 0.0
    for i in range(m):
        p = sigmoid(np.dot(X[i], w) + b)
        total += -y[i] * np.log(p) - (1 - y[i]) * np.log(1 - p)
    return total / m + lambda_ / (2 * m) * np.sum(w**2)


NAMED = {"n": "term-factor", "reg": "missing-term:reg", "half": "term-factor:reg"}


@pytest.mark.parametrize("mistake", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("reg", "n")), "half"])
def test_what_both_functions_read_from_around_them_is_varied_too(mistake: str) -> None:
    X, y, reg, W = RNG.normal(size=(20, 6)), RNG.integers(0, 4, 20), 0.05, RNG.normal(size=(6, 4))
    report = check_gradient(
        lambda W: softmax_loss(W, X, y, reg)[0], lambda W: softmax_loss(W, X, y, reg, mistake)[1], {"W": W}
    )
    (first,) = report.inputs[0].mistakes
    assert first.code.startswith(NAMED[mistake])
    assert ("n is X.shape[0]" in first.message) == (mistake == "n")
    assert check_gradient(lambda W: softmax_loss(W, X, y, reg), None, {"W": W})


def test_what_only_the_loss_reads_from_around_it_stays_as_it_is() -> None:
    X, y, far = RNG.normal(size=(8, 3)), RNG.normal(size=8), RNG.normal(size=8)
    report = check_gradient(lambda w: np.sum((X @ w - y + far) ** 2), lambda w: 2 * X.T @ (X @ w - y), {"w": W})
    assert codes_of(report)
    assert not any("far" in code for code in codes_of(report))


def test_a_setting_shows_its_term_where_steps_cannot_be_followed() -> None:
    def gradient(X: Any, y: Any, w: Any, b: Any, lambda_: Any) -> Any:
        return X.T @ (sigmoid(X @ w + b) - y) / len(y) + lambda_ * w

    inputs = {"X": X, "y": LOGISTIC["y"], "w": W, "b": 0.3, "lambda_": 0.7}
    (first, *_) = check_gradient(cost, gradient, inputs, wrt="w").inputs[0].mistakes
    assert first.code == "term-factor:lambda_"
    assert "n times the right one" in first.message


def test_a_wrong_derivative_of_what_cannot_be_followed_is_no_rounding() -> None:
    report = check_gradient(
        lambda x: float(np.abs(x).sum() + np.linalg.norm(x) ** 2), lambda x: 1 + 2 * x, {"x": np.array([1.0, -2])}
    )
    assert codes_of(report)[0] != "numerical"
