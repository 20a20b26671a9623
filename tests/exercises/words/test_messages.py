"""The words: complete in both languages, every placeholder filled, nothing given away."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npreg.exercises import words as messages
from npreg.exercises.words import en, zh
from npreg.exercises.words.factors import measured, parse
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

ARGUMENTS = {
    "factor": [
        "n",
        "1/2",
        "1/n",
        "n/d",
        "lam",
        "2*n",
        "1/(2*n)",
        "sqrt(n)",
        "n/(n-1)",
        "1/N",
        "k",
        "1/k",
        "4",
    ],
    "ignores": ["b", "y", "lam"],
    "missing-term": ["penalty"],
    "term-sign": ["data"],
    "term-factor": ["penalty"],
    "extra-term": ["b"],
    "chain-missing": ["H"],
    "chain-twice": ["p"],
    "chain-at": ["H"],
    "swapped-answer": ["grad_b"],
}

EVERYTHING = {
    "measured": [{"sizes": {"n": 7, "d": 3, "k": 2, "lam": 0.3}, "factor": 7.0}],
    "conventions": ["mean", "with-half"],
    "step": "y_hat",
    "entries": [[0, 2], [1, 1]],
    "size": 12,
    "deviation": 0.5,
    "got": [7, 3],
    "expected": [3],
    "sizes": {"n": 7},
    "error": "NameError: name 'z' is not defined",
    "line": 12,
    "input": "X",
    "value": 7.0,
    "used": "y_hat",
    "meant": "y",
    "factor": "2",
}

CODES = [f"{family}:{arg}" for family, args in ARGUMENTS.items() for arg in args]
CODES += [family for family in CONTRACT if family not in ARGUMENTS]


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


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("details", [{}, EVERYTHING], ids=["bare", "full"])
@pytest.mark.parametrize("code", CODES)
def test_every_placeholder_is_filled(code, details, lang):
    said = [
        messages.describe(code, "grad_w", details, lang),
        messages.describe(code, "new_w", details, lang, alone=False),
        messages.kind(code, details, lang),
        messages.brief(code, lang),
        messages.rule(code, "ridge", lang),
    ]
    for sentence in said:
        assert sentence
        assert not re.search(r"[{}\[\]]|  ", re.sub(r"`[^`]*`", "code", sentence)), sentence
        assert sentence == sentence.strip()
    assert said[0].endswith((".", "?") if lang == "en" else ("。", "？"))


@pytest.mark.parametrize("code", CODES)
def test_chinese_messages_are_chinese(code):
    said = messages.describe(code, "grad_w", EVERYTHING, "zh")
    assert len(re.findall(r"[\u4e00-\u9fff]", said)) >= 8
    assert not re.findall(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", said.replace("name 'z' is not defined", ""))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("code", CODES)
def test_no_message_holds_a_formula_of_an_answer(code, lang):
    formula = re.compile(r"X\.T|Xᵀ|X' *@|@ *r\b|/ *n\b|np\.|2 */|\br\b *\*|sum\(|mean\(")
    said = [messages.describe(code, "grad_w", {}, lang), messages.rule(code, "ridge", lang)]
    for sentence in said:
        without_factor = sentence.replace(code.partition(":")[2], "")
        assert not formula.search(without_factor), sentence


def test_every_topic_is_a_section_of_the_derivation():
    derivation = Path(__file__).parents[3] / "docs" / "derivation.md"
    if not derivation.exists():
        pytest.skip("the documentation is not part of this installation")
    headings = re.findall(r"^#+ (.*)$", derivation.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(en.TOPICS.values()) <= set(headings)


def test_the_model_message():
    sizes = [{"sizes": {"n": n, "d": 3}, "factor": n * (1 + 1e-14)} for n in (7, 11)]
    assert messages.describe("factor:n", "grad_w", {"measured": sizes}) == (
        "Direction right. Your gradient is exactly n times too large (7× at n = 7, 11× at n = 11): "
        "the mean over the batch is missing."
    )


def test_a_factor_is_told_as_too_small_with_its_inverse():
    probes = [{"sizes": {"n": n}, "factor": 0.5 / n} for n in (7, 11)]
    said = messages.describe("factor:1/(2*n)", "grad_w", {"measured": probes})
    assert "exactly 2·n times too small (1/14× at n = 7, 1/22× at n = 11)" in said
    assert "a factor 2 is lost" in said
    assert "once too often" in said


def test_a_convention_is_told_apart_from_a_mistake():
    said = messages.describe("factor:1/n", "grad_w", {"conventions": ["mean"]})
    assert "another common convention (the losses averaged)" in said


def test_a_double_mistake_does_not_claim_that_the_direction_is_right():
    assert "Direction right" not in messages.describe("factor:n", "grad_w", {}, alone=False)


def test_a_reversed_sign_with_another_mistake_does_not_claim_the_right_size():
    assert "right size" in messages.describe("sign", "grad_w", {})
    assert "right size" not in messages.describe("sign", "grad_w", {}, alone=False)


def test_a_registered_mistake_brings_its_own_words():
    own = {"message": {"en": "You forgot the tare.", "zh": "忘了去皮重。"}}
    assert messages.describe("tare", "grad_w", own) == "You forgot the tare."
    assert messages.describe("tare", "grad_w", own, "zh") == "忘了去皮重。"
    assert (
        messages.describe("tare", "grad_w", {"message": "One language only."}, "zh") == "One language only."
    )
    assert messages.kind("tare", own)
    assert messages.rule("tare", "ridge")


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'fr'; there are en, zh"):
        messages.describe("sign", "grad_w", {}, "fr")


@pytest.mark.parametrize("family", CONTRACT)
def test_every_optional_part_has_a_placeholder_to_decide_on_it(family):
    for words in (en.WORDS[family], zh.WORDS[family]):
        for template in words:
            assert all("{" in part for part in re.findall(r"\[[^\]]*\]", template)), template


def test_a_missing_value_is_an_error_and_not_an_empty_place():
    with pytest.raises(ValueError, match="no value for"):
        fill("needs {this}", {})


@given(st.text(alphabet=string.printable, max_size=30))
def test_any_text_can_be_an_expression_without_an_accident(text):
    parse(text)
    assert messages.describe(f"factor:{text}", "grad_w", {})


@given(
    st.sampled_from([1, 2, 4]),
    st.dictionaries(st.sampled_from(["n", "d", "k", "lam"]), st.sampled_from([-2, -1, 1, 2]), max_size=3),
)
def test_what_is_written_can_be_read_again(constant, powers):
    expression = str(constant) + "".join(f"*{name}**({power})" for name, power in powers.items() if power > 0)
    expression += "".join(f"/{name}**{-power}" for name, power in powers.items() if power < 0)
    factor = parse(expression)
    assert factor is not None
    assert parse(str(factor)) == factor


def test_at_most_three_probes_are_shown_and_equal_ones_once():
    probes = [{"sizes": {"n": n}, "factor": 2.0} for n in (7, 11, 13, 17)]
    assert measured(probes, []) == "2×"
    assert measured(probes, ["n"]).count("×") == 3
