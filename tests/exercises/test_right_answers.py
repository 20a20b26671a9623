"""Right answers pass: in any style and dtype, near the optimum, at any scale of the data; wrong ones fail."""

from __future__ import annotations

import numpy as np
import pytest

from npreg.exercises.by_hand import by_hand
from npreg.exercises.check import check
from npreg.exercises.course import load
from npreg.exercises.forward.probes import draw, fresh
from npreg.exercises.judge import judge, questions_of
from npreg.isolation import Isolated, Sandbox

RIGHT = {
    "minibatch-mean": [
        "def grad_w(X, r): return X.T @ r / len(X)\ndef grad_b(r): return r.mean()",
        "def grad_w(X, y, w, b): return ((X @ w + b - y)[:, None] * X).mean(0)\n"
        "def grad_b(X, y, w, b): return float(np.mean(X @ w + b - y))",
        "def grad_w(X, y, w, b): return X.T @ X @ w / len(X) + X.mean(0) * b - X.T @ y / len(X)\n"
        "def grad_b(X, y, w, b): return X.mean(0) @ w + b - y.mean()",
        "grad_w = lambda X, y_hat, y: [sum((y_hat - y) * x) / len(y) for x in X.T]\n"
        "grad_b = lambda y_hat, y: np.array(np.average(y_hat - y))",
    ],
    "mean-squared-error": [
        "def grad_w(X, r): return 2 / len(r) * r @ X\ndef grad_b(r): return 2 * r.sum() / r.size",
        "def grad_w(X, r): return np.einsum('ij,i->j', 2 * X, r) / len(r)\ndef grad_b(r): return np.mean(2 * r)",
    ],
    "logistic": [
        "def grad_w(X, p, y): return X.T @ (p - y) / len(y)\ndef grad_b(p, y): return (p - y).mean()",
        "def grad_w(X, y, w, b):\n    z = X @ w + b\n"
        "    s = np.where(y > 0, -1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z)))\n"
        "    return s @ X / len(y)\n"
        "def grad_b(X, y, w, b):\n    p = 0.5 * (1 + np.tanh((X @ w + b) / 2))\n"
        "    return np.sum(p - y) / len(y)",
    ],
    "several-outputs": [
        "def grad_W(X, R): return X.T @ R / len(X)\ndef grad_b(R): return R.mean(0)",
        "def grad_W(X, R): return sum(np.outer(x, r) for x, r in zip(X, R)) / len(X)\n"
        "def grad_b(R): return np.ones(len(R)) @ R / len(R)",
    ],
}
FLOAT32 = {
    identifier: "import numpy as np\n" + source
    for identifier, source in {
        "minibatch-mean": "def grad_w(X, y, w, b):\n    X, y, w, b = (np.float32(v) for v in (X, y, w, b))\n"
        "    return X.T @ (X @ w + b - y) / np.float32(len(X))\n"
        "def grad_b(r): return r.astype(np.float32).mean()",
        "logistic": "def grad_w(X, p, y):\n"
        "    return (X.astype('f4').T @ (p - y).astype('f4')) / np.float32(len(y))\n"
        "def grad_b(p, y): return np.float32(np.mean(p - y))",
    }.items()
}


def wrong_answers(report):
    return [(answer.name, [m.code for m in answer.mistakes]) for answer in report.answers if not answer.passed]


def regression_probe(exercise, scale_X, scale_y, distance, seed):
    """Data at other scales, with parameters so close to the optimum that the residuals nearly vanish."""
    rng = np.random.default_rng(seed)
    probe = draw(exercise, {"n": 11, "d": 3, "k": 5}, rng)
    X = probe["X"] * scale_X
    if "Y" in probe:
        target = X @ (probe["W"] / scale_X * scale_y) + probe["b"] * scale_y
        W = probe["W"] / scale_X * scale_y * (1 + distance)
        return {**probe, "X": X, "Y": target, "W": W, "b": probe["b"] * scale_y}
    w = probe["w"] / scale_X * scale_y
    return {**probe, "X": X, "y": X @ w + probe["b"] * scale_y, "w": w * (1 + distance), "b": probe["b"] * scale_y}


@pytest.mark.parametrize(("identifier", "source"), [(i, s) for i, sources in RIGHT.items() for s in sources])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_right_answers_pass(identifier, source, seed):
    assert wrong_answers(check("import numpy as np\n" + source, identifier, seed=seed)) == []


@pytest.mark.parametrize("identifier", ["minibatch-mean", "mean-squared-error", "several-outputs"])
@pytest.mark.parametrize("scales", [(1.0, 1.0), (1e6, 1.0), (1e-6, 1.0), (1.0, 1e6), (1.0, 1e-6), (1e6, 1e6)])
@pytest.mark.parametrize("distance", [1.0, pytest.param(1e-6, marks=pytest.mark.slow), 1e-9])
def test_right_answers_pass_near_the_optimum_and_at_any_scale(identifier, scales, distance):
    exercise = load(identifier)
    probes = [regression_probe(exercise, *scales, distance, seed) for seed in (0, 1)]
    for source in RIGHT[identifier]:
        assert wrong_answers(check("import numpy as np\n" + source, exercise, probes=probes)) == []


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_logistic_passes_where_it_is_saturated_or_flat(scale):
    exercise = load("logistic")
    probe = fresh(exercise, 0, 1)[0]
    flat = {**probe, "X": probe["X"] * scale, "w": probe["w"] / scale}
    assert wrong_answers(check("import numpy as np\n" + RIGHT["logistic"][0], exercise, probes=[flat])) == []


@pytest.mark.parametrize("identifier", FLOAT32)
def test_float32_is_judged_as_float32(identifier):
    report = check(FLOAT32[identifier], identifier, seed=0)
    assert wrong_answers(report) == []
    dtypes = [finding.details["got"] for finding in report.answers[0].findings if finding.kind == "dtype"]
    assert dtypes == ["float32"]


def test_float32_wrong_answers_are_named_too():
    source = FLOAT32["minibatch-mean"].replace(" / np.float32(len(X))", "")
    assert [m.code for m in check(source, "minibatch-mean", seed=0, seconds=0).answers[0].mistakes] == ["factor:n"]


@pytest.mark.parametrize("distance", [1.0, 1e-6])
@pytest.mark.parametrize("wrong", ["X.T @ r", "-X.T @ r / len(X)", "X.T @ r / len(X) * (1 + 1e-7)", "0 * w"])
def test_wrong_answers_are_not_accepted_near_the_optimum(wrong, distance):
    exercise = load("minibatch-mean")
    probes = [regression_probe(exercise, 1.0, 1.0, distance, seed) for seed in (0, 1)]
    source = f"def grad_w(X, r, w): return {wrong}\ndef grad_b(r): return r.mean()"
    answer = check(source, exercise, probes=probes, seconds=0).answers[0]
    assert not answer.passed


def test_any_slope_between_the_two_is_right_at_a_kink():
    exercise = load("quantile")
    probe = fresh(exercise, 0, 1)[0]
    probe["y"][0] = (exercise.forward(probe)["y_hat"])[0]
    template = """
import numpy as np
def slopes(e, tau):
    return np.where(e > 0, -tau, np.where(e < 0, 1 - tau, {at_zero}))
def grad_w(X, e, tau): return X.T @ slopes(e, tau) / len(X)
def grad_b(e, tau): return slopes(e, tau).mean()
"""
    for at_zero in ("-tau", "1 - tau", "0.0", "0.5 - tau"):
        report = check(template.format(at_zero=at_zero), exercise, probes=[probe])
        assert wrong_answers(report) == [], at_zero
        assert "at a kink any subgradient is right" in report.text()
    outside = check(template.format(at_zero="2.0"), exercise, probes=[probe], seconds=0)
    assert len(wrong_answers(outside)) == 2


def test_a_count_is_a_whole_number_in_the_students_function():
    source = """
def new_w(X, r, w, lr, batch_size):
    share = X.T @ r * (lr / batch_size)
    for _ in range(batch_size):
        w = w - share / batch_size
    return w
def new_b(r, b, lr, batch_size):
    return b - lr / batch_size.__index__() * ([0] * batch_size + [r.sum()])[batch_size]
"""
    exercise = load("sgd-step")
    questions = questions_of(exercise, seed=0)
    isolated = Isolated(Sandbox(), source).run(questions.names, questions.probes)
    assert check(source, exercise, seed=0).passed
    assert judge(questions, isolated.outcome).passed
    assert [example.yours for example in by_hand(source, exercise)] == [None, None]
    assert by_hand(source.replace("w - share", "w + share"), exercise)[0].yours is not None
