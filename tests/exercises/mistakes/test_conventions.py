"""Other conventions are told from mistakes, for every exercise of the course."""

from __future__ import annotations

from fractions import Fraction

import pytest

from npreg.exercises import check
from npreg.exercises.course import load
from npreg.exercises.found import Factor
from npreg.exercises.mistakes.factors import convention, other_conventions

SQUARED = {
    "one-weight": (None, True),
    "one-example": (None, True),
    "minibatch-sum": ("sum", True),
    "minibatch-mean": ("mean", True),
    "mean-squared-error": ("mean", False),
    "column-vectors": ("sum", True),
    "ridge": ("mean", True),
    "several-outputs": ("mean", True),
    "hidden-layer": ("mean", True),
    "huber": ("mean", None),
    "quantile": ("mean", None),
    "logistic": ("mean", None),
    "softmax": ("mean", None),
    "layer-norm": ("sum", None),
    "attention": ("sum", None),
}


@pytest.mark.parametrize(("identifier", "expected"), SQUARED.items(), ids=SQUARED)
def test_the_convention_of_an_exercise_is_measured(identifier, expected):
    assert convention(load(identifier)) == expected


@pytest.mark.parametrize(
    ("identifier", "constant", "n", "expected"),
    [
        ("minibatch-mean", 1, 1, ("sum",)),
        ("minibatch-mean", 2, 0, ("without-half",)),
        ("minibatch-mean", "1/2", 1, ()),
        ("minibatch-sum", 1, -1, ("mean",)),
        ("minibatch-sum", 2, -1, ("mean", "without-half")),
        ("mean-squared-error", "1/2", 0, ("with-half",)),
        ("mean-squared-error", "1/2", 1, ("sum", "with-half")),
        ("mean-squared-error", 2, 0, ()),
        ("logistic", 2, 0, ()),
        ("minibatch-mean", 1, 0, ()),
        ("minibatch-mean", 1, "1/2", ()),
    ],
)
def test_factors_that_are_conventions(identifier, constant, n, expected):
    factor = Factor(1, Fraction(constant), (("n", Fraction(n)),) if n else ())
    assert other_conventions(load(identifier), factor) == expected


def test_a_report_says_so():
    report = check("def grad_w(X, r): return X.T @ r\ndef grad_b(r): return r.sum() / 2", "minibatch-mean")
    first, second = (answer["mistakes"][0]["message"] for answer in report.to_dict()["answers"])
    assert "right gradient under another common convention (the losses summed)" in first
    assert "convention" not in second
