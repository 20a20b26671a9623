"""Other conventions are told from mistakes, for every exercise of the course."""

from __future__ import annotations

import pytest

from npreg.exercises import check
from npreg.exercises.course import load
from npreg.exercises.mistakes.conventions import Convention, convention, other_conventions

SQUARED = {
    "one-weight": Convention(None, True),
    "one-example": Convention(None, True),
    "minibatch-sum": Convention("sum", True),
    "minibatch-mean": Convention("mean", True),
    "mean-squared-error": Convention("mean", False),
    "column-vectors": Convention("sum", True),
    "ridge": Convention("mean", True),
    "several-outputs": Convention("mean", True),
    "hidden-layer": Convention("mean", True),
    "huber": Convention("mean", None),
    "quantile": Convention("mean", None),
    "logistic": Convention("mean", None),
    "softmax": Convention("mean", None),
    "layer-norm": Convention("sum", None),
    "attention": Convention("sum", None),
}


@pytest.mark.parametrize(("identifier", "expected"), SQUARED.items(), ids=SQUARED)
def test_the_convention_of_an_exercise_is_measured(identifier, expected):
    assert convention(load(identifier)) == expected


@pytest.mark.parametrize(
    ("identifier", "code", "expected"),
    [
        ("minibatch-mean", "factor:n", ["sum"]),
        ("minibatch-mean", "factor:2", ["without-half"]),
        ("minibatch-mean", "factor:n/2", []),
        ("minibatch-sum", "factor:1/n", ["mean"]),
        ("minibatch-sum", "factor:2/n", ["mean", "without-half"]),
        ("mean-squared-error", "factor:1/2", ["with-half"]),
        ("mean-squared-error", "factor:n/2", ["sum", "with-half"]),
        ("mean-squared-error", "factor:2", []),
        ("logistic", "factor:2", []),
        ("minibatch-mean", "sign", []),
        ("minibatch-mean", "factor:sqrt(n)", []),
    ],
)
def test_factors_that_are_conventions(identifier, code, expected):
    assert other_conventions(load(identifier), code) == expected


def test_a_report_says_so():
    report = check("def grad_w(X, r): return X.T @ r\ndef grad_b(r): return r.sum() / 2", "minibatch-mean")
    first, second = (answer["mistakes"][0]["message"] for answer in report.to_dict()["answers"])
    assert "right gradient under another common convention (the losses summed)" in first
    assert "convention" not in second
