"""Reports: built-in types, strict JSON, short text, escaped HTML, points for other people's graders."""

from __future__ import annotations

import json
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg.exercises import check
from npreg.exercises.findings import AnswerReport, Finding, WrongAnswer, plain
from npreg.exercises.report import Report
from npreg.exercises.words import wrap

WRONG = "def grad_w(X, r): return X.T @ r\ndef grad_b(r): return r.mean()"
HALF = check(WRONG, "minibatch-mean", seed=0)
DONE = check(WRONG.replace("@ r", "@ r / len(r)"), "minibatch-mean", seed=0)


def built_in_only(value):
    if isinstance(value, dict):
        return all(type(key) is str and built_in_only(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(built_in_only, value))
    return value is None or type(value) in (bool, int, float, str)


def test_everything_is_of_built_in_types():
    assert built_in_only(HALF.to_dict())
    for answer in HALF.answers:
        assert all(type(finding.ok) in (bool, type(None)) for finding in answer.findings)
        assert all(built_in_only(mistake.details) for mistake in answer.mistakes)


@given(
    st.recursive(
        st.floats() | st.integers() | st.booleans() | st.none() | st.text() | st.complex_numbers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
        max_leaves=8,
    )
)
def test_whatever_the_details_are_the_json_is_strict(details):
    report = Report("x", (AnswerReport("grad_w", False, (Finding("value", False, {"d": details}),)),))

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    read = json.loads(report.to_json(), parse_constant=refuse)
    assert read["answers"][0]["findings"][0]["details"] == {"d": plain(details)}


def test_numbers_become_built_in_ones():
    given = {"factor": np.float64(7.0), "entries": np.array([[0, 1]]), "value": float("nan")}
    assert plain(given) == {"factor": 7.0, "entries": [[0, 1]], "value": "nan"}


def test_the_json_has_the_promised_keys():
    read = json.loads(HALF.to_json())
    assert list(read) == ["exercise", "passed", "score", "answers"]
    assert (read["exercise"], read["passed"], read["score"]) == ("minibatch-mean", False, 0.5)
    assert list(read["answers"][0]) == ["name", "passed", "findings", "mistakes"]
    assert [list(mistake) for mistake in read["answers"][0]["mistakes"]] == [["code", "message", "place"]]
    assert read["answers"][0]["mistakes"][0]["code"] == "factor:n"
    assert "the mean over the batch is missing" in read["answers"][0]["mistakes"][0]["message"]
    assert "批次" in json.loads(HALF.to_json("zh"))["answers"][0]["mistakes"][0]["message"]


def test_passed_and_score_follow_from_the_answers():
    assert (DONE.passed, DONE.score) == (True, 1.0)
    assert (HALF.passed, HALF.score) == (False, 0.5)
    assert (Report("x", ()).passed, Report("x", ()).score) == (False, 0.0)


@given(st.integers(0, 7), st.integers(1, 7), st.floats(0, 1e6, allow_subnormal=False))
def test_points_are_a_built_in_float_in_range(right, count, maximum):
    report = Report("x", tuple(AnswerReport(str(i), i < right) for i in range(count)))
    points = report.points(np.float64(maximum))
    assert type(points) is float
    assert 0.0 <= points <= maximum
    assert (points == maximum) == (report.passed or maximum == 0)


@pytest.mark.parametrize("maximum", [-1, math.nan, math.inf])
def test_points_refuse_a_maximum_that_is_none(maximum):
    with pytest.raises(ValueError, match="maximum"):
        HALF.points(maximum)


def test_raise_if_wrong_is_silent_on_success(capsys):
    assert DONE.raise_if_wrong() is None
    assert capsys.readouterr() == ("", "")


def test_raise_if_wrong_says_the_most_useful_first_in_at_most_twenty_lines():
    with pytest.raises(WrongAnswer) as caught:
        HALF.raise_if_wrong()
    lines = str(caught.value).splitlines()
    assert isinstance(caught.value, AssertionError)
    assert caught.value.report is HALF
    assert lines[0] == "minibatch-mean: 1 of 2 answers right."
    assert lines[1].startswith("grad_w: Direction right. Your gradient is exactly n times too large")
    assert len(lines) <= 20


def test_a_long_report_is_cut_with_a_count():
    source = "def grad_Q(Q): raise ValueError('E' * 5000)\ngrad_K = grad_V = grad_Q"
    with pytest.raises(WrongAnswer) as caught:
        check(source, "attention").raise_if_wrong()
    lines = str(caught.value).splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("... ")


def test_the_hints_come_in_stages():
    stages = [HALF.text(hints=stage) for stage in (1, 2, 3, 4)]
    for stage in stages:
        assert "Already right: it runs, shape, direction, sign." in stage
        assert "Not yet: scale." in stage
    assert "factor" not in stages[0]
    assert "a constant factor" in stages[1]
    assert "mean over the batch" not in stages[1]
    assert "mean over the batch" in stages[2]
    assert "factor:n" in stages[2]
    assert "derivation.md" not in stages[2]
    assert '"The mean" in docs/derivation.md#the-mean' in " ".join(stages[3].split())
    with pytest.raises(ValueError, match="stages 1, 2, 3 and 4, not 5"):
        HALF.text(hints=5)


def test_a_double_mistake_names_both_kinds():
    report = check("def grad_w(x, r): return -2 * x * r\ndef grad_b(r): return r", "one-weight")
    assert "Two mistakes at once: a sign and a constant factor." in report.text(hints=2)
    assert "Direction right" not in report.text()
    assert [item["code"] for item in report.to_dict()["answers"][0]["mistakes"]] == ["sign", "factor:2"]


def test_twins_are_listed_but_not_all_of_a_crowd():
    report = check("def grad_w(x, r): return r**2 * x", "one-weight")
    assert "also come from" not in report.text()
    said = report.text(hints=4)
    assert "The same numbers would also come from: " in said
    assert " ".join(said.split()).count("; or: ") == 1


def test_float32_is_told_where_all_is_right():
    source = "def grad_w(x, r): return (x * r).astype('float32')\ndef grad_b(r): return r"
    assert "judged with the precision of float32" in check(source, "one-weight").text()


def test_steps_explain_but_do_not_count():
    report = check("def grad_w(x, r): return x * r\ndef grad_b(r): return r\ndef grad_r(r): return -r", "one-weight")
    assert report.passed
    assert "Derivatives of the steps, from the loss inwards: grad_r wrong." in report.text()
    assert "the link to look at, is `grad_r`" in " ".join(report.text().split())


def test_html_is_escaped_and_short():
    source = "def grad_w(): raise NameError('<script>alert(1)</script>')\n"
    said = check(source, "one-weight")._repr_html_()
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
    assert len(said) < 2000


def columns(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@given(st.text(alphabet="ab 少了对批次，。(", max_size=120), st.integers(8, 40))
def test_wrapping_loses_nothing_and_keeps_the_width(sentence, width):
    lines = wrap(sentence, width)
    assert "".join("".join(lines).split()) == "".join(sentence.split())
    assert all(columns(line) <= width for line in lines)


def test_the_text_in_both_languages():
    assert HALF.text() == str(HALF)
    assert HALF.text("zh").startswith("minibatch-mean：2 个答案中有 1 个正确。")
    assert "全部正确" in DONE.text("zh")
    assert DONE.text().startswith("minibatch-mean: all right (2 of 2).")
