"""The words: complete in both languages, every placeholder filled, nothing given away."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from npreg.exercises import check, words
from npreg.exercises.found import Factor, Facts
from npreg.exercises.words import fill, measured, placeholders, ratio, read, texts, wrap

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


def test_every_family_of_the_contract_has_words():
    assert list(words.FAMILIES) == CONTRACT
    for family in CONTRACT:
        assert all(f"code.{family}.{part}" in texts("en") for part in ("kind", "brief", "text", "rule"))


def test_both_languages_have_the_same_keys_and_placeholders():
    english, chinese = texts("en"), texts("zh")
    assert list(english) == list(chinese)
    only_chinese = {"factor.small": {"factor"}}
    for key in english:
        assert placeholders(english[key]) | only_chinese.get(key, set()) == placeholders(chinese[key]) | (
            placeholders(english[key]) if key in only_chinese else set()
        ), key


@pytest.mark.parametrize("key", [key for key in texts("zh") if key.startswith(("code.", "reason."))])
def test_chinese_is_chinese(key):
    assert re.search(r"[\u4e00-\u9fff]", texts("zh")[key])
    assert not re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", texts("zh")[key])


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_no_message_holds_a_formula_of_an_answer(lang):
    formula = re.compile(r"X\.T|Xᵀ|X' *@|@ *r\b|/ *n\b|np\.|2 */|\br\b *\*|sum\(|mean\(")
    for key, text in texts(lang).items():
        if key.startswith("code."):
            assert not formula.search(text), key


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_every_optional_part_has_a_placeholder_to_decide_on_it(lang):
    for text in texts(lang).values():
        assert all("{" in part for part in re.findall(r"\[[^\]]*\]", text)), text


def test_every_topic_is_a_section_of_the_derivation():
    derivation = Path(__file__).parents[3] / "docs" / "derivation.md"
    headings = re.findall(r"^#+ (.*)$", derivation.read_text(encoding="utf-8"), re.MULTILINE)
    assert {text for key, text in texts("en").items() if key.startswith("topic.")} <= set(headings)


@pytest.mark.parametrize("lang", words.LANGUAGES)
def test_the_fourth_hint_carries_the_rule_itself(lang):
    """The derivation need not be at hand: it does not come along with an installed package."""
    for family in words.FAMILIES:
        rule = texts(lang)[f"code.{family}.rule"]
        assert rule
        assert rule in words.rule(family, "ridge", lang)


def test_a_line_break_is_a_space_but_not_between_chinese_characters():
    assert read("a\n    one\n    two\nb\n    一\n    二\n    `x`\n") == {"a": "one two", "b": "一二 `x`"}
    assert read("a\n    x␣\nb\n    one\\n\n") == {"a": "x ", "b": "one\n"}
    with pytest.raises(ValueError, match="'a' stands there twice"):
        read("a\n    x\na\n    y\n")


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
    own = Facts(message={"en": "You forgot the tare.", "zh": "忘了去皮重。"})
    assert words.describe("tare", "grad_w", own) == "You forgot the tare."
    assert words.describe("tare", "grad_w", own, "zh") == "忘了去皮重。"
    assert words.describe("tare", "grad_w", Facts(message="One language only."), "zh") == "One language only."
    assert words.kind("tare")
    assert words.rule("tare", "ridge")


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'fr'; there are en, zh"):
        words.describe("sign", "grad_w", Facts(), "fr")


def test_a_missing_value_is_an_error_and_not_an_empty_place():
    with pytest.raises(ValueError, match="no value for"):
        fill("needs {this}", {})


def test_at_most_three_probes_are_shown_and_equal_ones_once():
    n = Factor(powers=(("n", Fraction(1)),))
    at = tuple({"n": n} for n in (7, 11, 13, 17))
    assert measured(Factor(1, Fraction(2)), at, []) == "2×"
    assert measured(n, at, ["n"]).count("×") == 3
    assert measured(n, ({"n": 7, "d": 3}, {"n": 11, "d": 4}), ["n"]) == "7× at n = 7, 11× at n = 11"


def test_numbers_in_words():
    assert [ratio(value) for value in (7.000000000001, 1 / 7, 0.12345)] == ["7", "1/7", "0.1235"]
    assert (words.size(256 * 2**20), words.size(2048)) == ("256 MB", "2 KB")
    factor = Factor(-1, Fraction(1, 2), (("n", Fraction(-1)), ("d", Fraction(1, 2))))
    assert (str(factor), factor.codes) == ("√d/(2·n)", ("sign", "factor:sqrt(d)/(2*n)"))
    assert Factor(1, 0.1, (("n", Fraction(1)),)).hard_coded == {"value": 10, "instead_of": "n"}


def test_codes_and_reasons_in_a_clause():
    assert words.brief("sign+ignores:b") == "a reversed sign and b is left out"
    assert words.brief("time-limit") == "did not finish in time"
    assert words.explain("time-limit", "en", name="grad_w", seconds=10.0).startswith(
        "`grad_w` did not finish within 10 seconds"
    )
    assert words.kind("factor:n") == "a constant factor"


def test_the_section_to_read_again_is_the_codes_or_the_exercises():
    codes = ("factor:n", "missing-term:penalty", "not-summed")
    assert [words.topic(code, "ridge") for code in codes] == ["mean", "penalty", "sum"]
    assert words.topic("sign", "my-own") == "chain"


def test_a_part_of_a_template_without_its_value_is_left_out():
    assert fill("wrong shape[: {got}][, not {expected}]", {"got": "(7, 3)"}) == "wrong shape: (7, 3)"


def test_sentences_are_true_of_the_mistake_and_say_nothing_twice():
    source = """import numpy as np
def grad_gamma(X, G):
    s = np.sqrt(X.var(axis=1, ddof=1, keepdims=True) + 1e-5)
    return (G * (X - X.mean(axis=1, keepdims=True)) / s).sum(axis=0)
def grad_w(X, r): return -X.T @ r
def grad_b1(H, w2, r): return np.outer(r, w2).mean(axis=0)
"""
    statistic = check(source, "layer-norm", seed=0, seconds=0).text(hints=4)
    assert "The step `var` has the wrong scale" in statistic
    assert "additive" not in statistic
    assert "Not yet: sign.\n" in check(source, "minibatch-sum", seed=0, seconds=0).text()  # not its values again
    assert "the term from H" not in check(source, "hidden-layer", seed=0, seconds=0).text(hints=4)  # is that left out


def test_lines_are_broken_at_spaces_and_between_wide_letters():
    assert wrap("一二三（四五", 8) == ["一二三", "（四五"]  # no bracket is left open at the end of a line
    assert wrap("the mean over the batch is missing", 20) == ["the mean over the", "batch is missing"]
    assert wrap("少了对批次求平均。", 10) == ["少了对批次", "求平均。"]
    assert wrap("look:\n    x = 1", 20, "  ") == ["  look:", "      x = 1"]
