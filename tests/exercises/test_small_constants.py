"""Small constants against log(0) and 1/0 in a student's file or in a loss: right, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from npreg.__main__ import main
from npreg.exercises import Exercise, check, gradient, labels, real

CORPUS = Path(__file__).parents[1] / "corpus"
GUARDED = (CORPUS / "logistic" / "ok_guards.py").read_text(encoding="utf-8")


def guards(report):
    return [[f.details["constants"] for f in answer.findings if f.kind == "guard"] for answer in report.answers]


def test_constants_of_helpers_globals_and_locals_are_told():
    report = check(GUARDED, seed=0)
    assert report.passed
    assert guards(report) == [["1e-12, 1e-08"], ["1e-07"]]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_process_of_its_own_tells_the_same(lang, capsys):
    assert main(["check", str(CORPUS / "layer-norm" / "ok_other_eps.py"), f"--lang={lang}"]) == 0
    assert "1e-08, 1e-05" in capsys.readouterr().out


def test_a_mistake_beside_a_guard_is_named():
    report = check(GUARDED.replace("return X.T", "return 2 * X.T"), seed=0, seconds=0)
    assert [answer.codes for answer in report.answers] == [["factor:2"], []]


@pytest.mark.parametrize("extra", ["+ 1e-6 * w", "+ 1e-9", "* (1 + 1e-6)"])
def test_a_small_constant_elsewhere_is_no_guard(extra):
    source = f"def grad_w(X, p, y, w): return X.T @ (p - y) / len(y) {extra}\ndef grad_b(p, y): return (p - y).mean()"
    assert [answer.passed for answer in check(source, "logistic", seed=0, seconds=0).answers] == [False, True]


def test_a_guard_in_the_loss_may_be_left_out():
    def loss(X, y, w):
        p = 1 / (1 + np.exp(-X @ w))
        return -np.mean(y * np.log(p + 1e-7) + (1 - y) * np.log(1 - p + 1e-7))

    exercise = Exercise(loss, {"X": real("n", "d"), "y": labels("n"), "w": real("d")}, {"grad_w": gradient("w")})
    right = "def grad_w(X, y, p): return X.T @ (p - y) / len(y)"
    report = check(right, exercise, seed=0)
    assert guards(report) == [["1e-07"]]
    assert not check(right.replace("(p - y)", "(y - p)"), exercise, seed=0, seconds=0).passed
