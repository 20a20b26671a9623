"""A teacher's exercise and a teacher's mistake, as in examples/my_exercise.py and docs/teaching.md."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from npreg.exercises import Exercise, OwnMistake, check, gradient, positive, real, value
from npreg.exercises.files import load_exercise
from npreg.exercises.prover import prove
from npreg.exercises.stub import stub
from npreg.exercises.words import FAMILIES

ROOT = Path(__file__).parents[2]
RIGHT = "def grad_w(X, y, mu): return X.T @ (mu - y) / len(y)\ndef grad_b(y, mu): return (mu - y).mean()"
PEARSON = RIGHT.replace("(mu - y) /", "((mu - y) / mu**0.5) /")


@pytest.fixture(scope="module")
def poisson():
    return load_exercise(ROOT / "examples" / "my_exercise.py")


def test_the_classroom_is_opened_by_its_name():
    code = "import sys, npreg; assert 'npreg.exercises' not in sys.modules; print(npreg.exercises.check)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.startswith("<function check")
    assert done.stderr == ""


def codes(source, exercise):
    return [[mistake.code for mistake in answer.mistakes] for answer in check(source, exercise, seconds=0).answers]


def test_the_right_answer_passes(poisson):
    assert check(RIGHT, poisson).passed


@pytest.mark.parametrize(("wrong", "code"), [("X.T @ (mu - y)", ["factor:n"]), ("X.T @ (y - mu) / len(y)", ["sign"])])
def test_mistakes_are_found_that_nobody_listed(poisson, wrong, code):
    assert codes(RIGHT.replace("X.T @ (mu - y) / len(y)", wrong), poisson) == [code, []]


def test_the_registered_mistake_is_named_in_the_teachers_words(poisson):
    report = check(PEARSON, poisson)
    assert codes(PEARSON, poisson) == [["pearson-residual"], []]
    assert "That is the Pearson residual" in report.to_dict()["answers"][0]["mistakes"][0]["message"]
    assert "Pearson 残差" in report.text("zh")
    assert "described by your teacher" in report.text(hints=2)
    assert report.text(hints=4)


def test_the_registered_mistake_is_recognised_with_a_factor(poisson):
    assert codes(PEARSON.replace(" / len(y)", ""), poisson)[0] == ["pearson-residual", "factor:n"]


def test_a_registered_mistake_with_an_unknown_parameter_is_refused(poisson):
    broken = OwnMistake("grad_w", "typo", lambda X, nu: X.T @ nu, {"en": "..."})
    with pytest.raises(ValueError, match="mistake 'typo' has the parameter 'nu'"):
        check(PEARSON, replace(poisson, mistakes=(broken,)))


@pytest.mark.slow
def test_its_probes_are_proved(poisson):
    proof = prove(poisson)
    assert proof.passed, proof.text()


def test_the_page_of_codes_lists_every_family():
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    listed = {name.partition(":")[0] for row in table for name in re.findall(r"`([^`]+)`", row)}
    assert set(FAMILIES) <= listed


def test_the_page_for_teachers_shows_the_example_as_it_is():
    page = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    example = " ".join((ROOT / "examples" / "my_exercise.py").read_text(encoding="utf-8").split())
    for line in ("z = X @ w + b", "return np.mean(mu - y * z)", '{"grad_w": gradient("w"), "grad_b": gradient("b")}'):
        assert line in page
        assert line in example


def test_weights_left_out_are_named():
    def weighted_mean(X, y, s, w, b):
        r = X @ w + b - y
        return (s * r**2).sum() / s.sum()

    weighted = Exercise(
        weighted_mean,
        inputs={"X": real("n", "d"), "y": real("n"), "s": positive("n"), "w": real("d"), "b": real()},
        answers={"grad_w": gradient("w"), "grad_b": gradient("b")},
    )
    source = "def grad_w(X, r): return 2 * X.T @ r / len(r)\ndef grad_b(r): return -2 * r.mean()"
    assert codes(source, weighted) == [["ignores:s"], ["ignores:s", "sign"]]
    assert not prove(weighted).confused


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"id": "My exercise"}, ValueError, "an id is made of letters"),
        ({"inputs": {"X": ("n", "d")}}, TypeError, r"inputs\['X'\] must be such as real"),
        ({"answers": ["w"]}, TypeError, "answers must be a dict"),
        ({"answers": {"grad_w": "w"}}, TypeError, r"answers\['grad_w'\] must be such as gradient"),
        ({"mistakes": [OwnMistake("grad_q", "c", lambda X: X, {})]}, ValueError, "answers are grad_w, grad_b"),
    ],
)
def test_slips_in_an_exercise_are_told_at_once(poisson, change, error, message):
    with pytest.raises(error, match=message):
        replace(poisson, **change)


def test_without_a_statement_the_stub_has_no_gap(poisson):
    assert "\n\n\n" not in stub(replace(poisson, statement={})).split('"""')[1]


def test_a_function_of_several_results_that_is_not_written_gets_its_hints():
    def loss(X, y, w):
        r = X @ w - y
        return np.mean(r**2)

    inputs = {"X": real("n", "d"), "y": real("n"), "w": real("d")}
    exercise = Exercise(loss, inputs, {"both": (value(), gradient("w"))})
    report = check("def both(X, y, w):\n    ...\n", exercise, seconds=0)
    assert [answer.not_written for answer in report.answers] == [True, True]
    assert "A first hint: the answer has the shape of `w`" in report.text()
