"""Codes in words, in English and Chinese: the kind of a mistake, the message, and the rule to look at again.

The hints of a mistake come in stages: what is already right (told by the findings), the kind of mistake
(``kind``), what and where it is (``describe``), and which rule of calculus to look at again (``rule``) with a
pointer into ``docs/derivation.md``. None of them holds a right number or a right formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import ModuleType
from typing import Any

from npreg.exercises.found import Conventions, FirstWrong, Record, Scale, Told
from npreg.exercises.words import en, zh
from npreg.exercises.words.factors import factor_values
from npreg.exercises.words.reasons import BRIEF
from npreg.exercises.words.template import Words, fill, placeholders
from npreg.exercises.words.topics import slug, topic

LANGUAGES: dict[str, ModuleType] = {"en": en, "zh": zh}

FAMILIES: tuple[str, ...] = tuple(en.WORDS)
"""The part before the colon of every code, in the order of the documentation."""

__all__ = [
    "FAMILIES",
    "LANGUAGES",
    "brief",
    "change",
    "describe",
    "finding",
    "finding_note",
    "kind",
    "rule",
    "say",
]


def lexicon(lang: str) -> ModuleType:
    """Return the words of a language; raise ``ValueError`` for one that is not there."""
    try:
        return LANGUAGES[lang]
    except KeyError:
        raise ValueError(f"no messages in the language {lang!r}; there are {', '.join(LANGUAGES)}") from None


def say(key: str, lang: str, **values: object) -> str:
    """Return one of the small phrases around the messages ("right", "Look again at ...")."""
    return fill(lexicon(lang).UI[key], {name: str(value) for name, value in values.items()})


def kind(code: str, lang: str = "en") -> str:
    """Return the kind of mistake, the second hint.

    >>> kind("factor:n")
    'a constant factor'
    """
    words = _words(code, lang)
    return words.kind if words else BRIEF[code][lang] if code in BRIEF else say("own-kind", lang)


def brief(code: str, lang: str = "en") -> str:
    """Return what a code says in one clause, as in the table of codes.

    >>> brief("ignores:b")
    'as if b were absent'
    """
    words = _words(code, lang)
    if words is None:
        return BRIEF[code][lang] if code in BRIEF else code
    return fill(words.brief, {"arg": code.partition(":")[2]})


def describe(
    code: str, answer: str, found: Sequence[Record] = (), lang: str = "en", *, alone: bool = True
) -> str:
    """Return the message of a mistake, the third hint; ``alone`` is false for one of a double mistake.

    >>> from fractions import Fraction
    >>> from npreg.exercises.found import Factor
    >>> scale = Scale("factor:n", Factor(powers=(("n", Fraction(1)),)), ({"n": 7}, {"n": 11}))
    >>> print(describe("factor:n", "grad_w", [scale]))
    Direction right. Your gradient is exactly n times too large (7× at n = 7, 11× at n = 11): the mean over
    the batch is missing.
    """
    words = _words(code, lang)
    if words is None:
        return _told(found, lang)
    sentences = [fill(words.text, _values(code, answer, found, lang, alone))]
    for record in found:
        if isinstance(record, Conventions):
            names = lexicon(lang).CONVENTION
            listed = say("list", lang).join(names[name] for name in record.conventions)
            sentences.append(fill(names["sentence"], {"list": listed}))
        elif isinstance(record, FirstWrong):
            sentences.append(say("step", lang, step=record.first))
    return say("space", lang).join(sentences)


def rule(code: str, exercise: str, lang: str = "en") -> str:
    """Return which rule to look at again and where it is derived, the fourth hint.

    >>> print(rule("not-summed", "minibatch-sum"))
    The rule to look at again: one parameter acts on every example, so the contributions of all examples add
    up ("The minibatch: sum" in docs/derivation.md#the-minibatch-sum).
    """
    words = _words(code, lang)
    where = topic(code, exercise)
    place = say("place", lang, title=lexicon(lang).TOPICS[where], anchor=slug(en.TOPICS[where]))
    return say("look", lang, rule=words.rule if words else say("own-rule", lang), place=place)


def finding(kind: str, lang: str = "en") -> str:
    """Return the name of a kind of finding ("direction")."""
    return str(lexicon(lang).FINDINGS.get(kind, kind))


def change(kind: str, lang: str = "en") -> str:
    """Return what sort of thing is to change at a place ("an axis")."""
    return str(lexicon(lang).CHANGES[kind])


def finding_note(kind: str, details: Mapping[str, Any], lang: str = "en") -> str:
    """Return what is worth saying about a finding that is all right (float32, a kink), often nothing."""
    if kind == "dtype" and details.get("got") not in ("float16", "float32"):
        return ""
    template = lexicon(lang).FINDING_NOTES.get(kind)
    if template is None or not placeholders(template) <= details.keys():
        return ""
    return fill(template, {name: str(value) for name, value in details.items()})


def _words(code: str, lang: str) -> Words | None:
    words: Words | None = lexicon(lang).WORDS.get(code.partition(":")[0])
    return words


def _told(found: Sequence[Record], lang: str) -> str:
    """Return the message that came with a mistake registered by a teacher."""
    for record in found:
        if isinstance(record, Told):
            message = record.message
            if isinstance(message, Mapping):
                message = message.get(lang) or next(iter(message.values()), "")
            return str(message) or say("own-kind", lang)
    return say("own-kind", lang)


def _values(code: str, answer: str, found: Sequence[Record], lang: str, alone: bool) -> dict[str, str]:
    """Return the values of all placeholders that this code and these records can fill."""
    subject = "gradient" if answer.startswith("grad_") else "answer"
    argument = code.partition(":")[2]
    words = lexicon(lang).FACTOR
    values = {
        "answer": answer,
        "arg": argument,
        "subject": say(subject, lang, answer=answer),
        "subject_inner": say(subject + "_inner", lang, answer=answer),
        "times": words["other"].format(expr=argument),
    }
    if alone:
        values |= {"alone": "", "direction": words["direction"]}
    for record in found:
        if isinstance(record, Scale):
            values |= factor_values(record, words) if record.code == code else {}
        else:
            known = {field.name: getattr(record, field.name) for field in fields(record)}
            values |= {
                name: _show(value, lang) for name, value in known.items() if value not in (None, "", {})
            }
    return values


def _show(value: object, lang: str) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {size}" for name, size in value.items())
    if isinstance(value, tuple):
        return str(value) if value else say("scalar", lang)
    return str(value).strip()
