"""The words: complete in both languages, every placeholder filled, nothing given away."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from npreg.exercises import check
from npreg.exercises import words as messages
from npreg.exercises.found import Factor, Scale, Told
from npreg.exercises.words import en, zh
from npreg.exercises.words.factors import measured
from npreg.exercises.words.template import fill, placeholders

CONTRACT = [
    "sign",
    "factor",
    "ignores",
    "missing-term",
    "term-sign",
    "term-factor",
    "extra-term",
    "chain-missing",
    "chain-twice",
    "chain-at",
    "wrong-variable",
    "swapped-answer",
    "loss-for-derivative",
    "axis",
    "not-summed",
    "shape",
    "transpose",
    "broadcast",
    "elementwise",
    "first-only",
    "last-only",
    "off-by-one",
    "mean-of-products",
    "kink-threshold",
    "update-returned",
    "changes-input",
    "not-repeatable",
    "global-or-hardcoded",
    "numerical",
    "dtype",
    "no-return",
    "raises",
    "non-finite",
    "not-implemented",
    "not-recognised",
]


def test_every_family_of_the_contract_has_words_in_both_languages():
    assert list(messages.FAMILIES) == CONTRACT
    assert list(zh.WORDS) == CONTRACT


@pytest.mark.parametrize("table", ["FACTOR", "CONVENTION", "FINDINGS", "FINDING_NOTES", "TOPICS", "UI"])
def test_the_small_phrases_are_the_same_in_both_languages(table):
    english, chinese = getattr(en, table), getattr(zh, table)
    assert list(english) == list(chinese)
    if table == "UI":
        for key in english:
            assert placeholders(english[key]) == placeholders(chinese[key]), key


@pytest.mark.parametrize("family", CONTRACT)
def test_both_languages_use_the_same_placeholders(family):
    for english, chinese in zip(en.WORDS[family], zh.WORDS[family], strict=True):
        assert placeholders(english) == placeholders(chinese)


def test_every_topic_is_a_section_of_the_derivation():
    derivation = Path(__file__).parents[3] / "docs" / "derivation.md"
    if not derivation.exists():
        pytest.skip("the documentation is not part of this installation")
    headings = re.findall(r"^#+ (.*)$", derivation.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(en.TOPICS.values()) <= set(headings)


def said(source, exercise, **kwargs):
    return check(source, exercise, seed=0, seconds=0, **kwargs).answers[0].message()


def test_the_model_message():
    assert said("def grad_w(X, r): return X.T @ r", "minibatch-mean").startswith(
        "Direction right. Your gradient is exactly n times too large (7× at n = 7, 9× at n = 9, 11"
    )


def test_a_factor_is_told_as_too_small_with_its_inverse():
    message = said("def grad_w(X, r): return X.T @ r / len(X) / len(X) / 2", "minibatch-mean")
    assert "exactly 2·n times too small (1/14× at n = 7, 1/18× at n = 9" in message
    assert "a factor 2 is lost" in message
    assert "once too often" in message


def test_a_double_mistake_claims_neither_direction_nor_size():
    assert "Direction right" in said("def grad_w(x, r): return 2 * x * r", "one-weight")
    assert "Direction right" not in said("def grad_w(x, r): return -2 * x * r", "one-weight")
    assert "right size" in said("def grad_w(x, r): return -x * r", "one-weight")
    assert "right size" not in said("def grad_w(x, r): return -2 * x * r", "one-weight")


def test_a_registered_mistake_brings_its_own_words():
    own = [Told({"en": "You forgot the tare.", "zh": "忘了去皮重。"})]
    assert messages.describe("tare", "grad_w", own) == "You forgot the tare."
    assert messages.describe("tare", "grad_w", own, "zh") == "忘了去皮重。"
    assert messages.describe("tare", "grad_w", [Told("One language only.")], "zh") == "One language only."
    assert messages.kind("tare")
    assert messages.rule("tare", "ridge")


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'fr'; there are en, zh"):
        messages.describe("sign", "grad_w", (), "fr")


@pytest.mark.parametrize("family", CONTRACT)
def test_every_optional_part_has_a_placeholder_to_decide_on_it(family):
    for words in (en.WORDS[family], zh.WORDS[family]):
        for template in words:
            assert all("{" in part for part in re.findall(r"\[[^\]]*\]", template)), template


def test_a_missing_value_is_an_error_and_not_an_empty_place():
    with pytest.raises(ValueError, match="no value for"):
        fill("needs {this}", {})


def test_at_most_three_probes_are_shown_and_equal_ones_once():
    n = Factor(powers=(("n", Fraction(1)),))
    at = tuple({"n": n} for n in (7, 11, 13, 17))
    assert measured(Scale("factor:2", Factor(1, Fraction(2)), at), []) == "2×"
    assert measured(Scale("factor:n", n, at), ["n"]).count("×") == 3
