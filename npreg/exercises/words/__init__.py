"""Codes in words, in English and Chinese: the kind of a mistake, the message, and the rule to look at again.

The hints of a mistake come in stages: what is already right (told by the findings), the kind of mistake
(``kind``), what and where it is (``describe``), and which rule of calculus to look at again (``rule``) with a
pointer into ``docs/derivation.md``. None of them holds a right number or a right formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any

from npreg.exercises.words import en, zh
from npreg.exercises.words.factors import Factor, measured, parse
from npreg.exercises.words.template import Words, fill, placeholders
from npreg.exercises.words.topics import slug, topic

_SIZES = ("d", "k", "h")

LANGUAGES: dict[str, ModuleType] = {"en": en, "zh": zh}

FAMILIES: tuple[str, ...] = tuple(en.WORDS)
"""The part before the colon of every code, in the order of the documentation."""

__all__ = ["FAMILIES", "LANGUAGES", "brief", "describe", "finding", "findings", "kind", "rule", "say"]


def lexicon(lang: str) -> ModuleType:
    """Return the words of a language; raise ``ValueError`` for one that is not there."""
    try:
        return LANGUAGES[lang]
    except KeyError:
        raise ValueError(f"no messages in the language {lang!r}; there are {', '.join(LANGUAGES)}") from None


def say(key: str, lang: str, **values: object) -> str:
    """Return one of the small phrases around the messages ("right", "Look again at ...")."""
    return fill(lexicon(lang).UI[key], {name: str(value) for name, value in values.items()})


def kind(code: str, details: Mapping[str, Any], lang: str = "en") -> str:
    """Return the kind of mistake, the second hint.

    >>> kind("factor:n", {})
    'a constant factor'
    """
    words = _words(code, lang)
    return words.kind if words else str(_own(details, lang) and say("own-kind", lang))


def brief(code: str, lang: str = "en") -> str:
    """Return what a code says in one clause, as in the table of codes.

    >>> brief("ignores:b")
    'as if b were absent'
    """
    words = _words(code, lang)
    return fill(words.brief, {"arg": code.partition(":")[2]}) if words else code


def describe(
    code: str, answer: str, details: Mapping[str, Any], lang: str = "en", *, alone: bool = True
) -> str:
    """Return the message of a mistake, the third hint; ``alone`` is false for one of a double mistake.

    >>> sizes = [{"sizes": {"n": n}, "factor": float(n)} for n in (7, 11)]
    >>> print(describe("factor:n", "grad_w", {"measured": sizes}))
    Direction right. Your gradient is exactly n times too large (7× at n = 7, 11× at n = 11): the mean over
    the batch is missing.
    """
    words = _words(code, lang)
    if words is None:
        return _own(details, lang)
    values = _values(code, answer, details, lang, alone)
    sentences = [fill(words.text, values)]
    if details.get("conventions"):
        names = lexicon(lang).CONVENTION
        listed = say("list", lang).join(names[name] for name in details["conventions"])
        sentences.append(fill(names["sentence"], {"list": listed}))
    if "step" in details and "step" not in placeholders(words.text) | {code.partition(":")[2]}:
        sentences.append(say("step", lang, step=details["step"]))
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


def _own(details: Mapping[str, Any], lang: str) -> str:
    """Return the message that came with a mistake registered by a teacher."""
    message = details.get("message", "")
    if isinstance(message, Mapping):
        message = message.get(lang) or next(iter(message.values()), "")
    return str(message) or say("own-kind", lang)


def _values(code: str, answer: str, details: Mapping[str, Any], lang: str, alone: bool) -> dict[str, str]:
    """Return the values of all placeholders that this code and these details can fill."""
    family, _, argument = code.partition(":")
    values = {name: _show(value) for name, value in details.items() if not _unsaid(value)}
    values.pop("measured", None)
    subject = "gradient" if answer.startswith("grad_") else "answer"
    values["answer"] = answer
    if alone:
        values["alone"] = ""
    values["arg"] = argument
    values["subject"] = say(subject, lang, answer=answer)
    values["subject_inner"] = say(subject + "_inner", lang, answer=answer)
    if isinstance(details.get("sizes"), Mapping):
        values["sizes"] = ", ".join(f"{name} = {size}" for name, size in details["sizes"].items())
    if details.get("entries"):
        values.setdefault("wrong", str(len(details["entries"])))
        if len(details["entries"][0]):
            values["entry"] = _show(details["entries"][0])
    for key in ("got", "expected"):
        if values.get(key) == "()":
            values[key] = say("scalar", lang)
    if "error" in values:
        values["error"] = values["error"].strip()
    expression = argument if family == "factor" else str(details.get("factor", ""))
    if expression or family == "factor":
        values |= _factor_values(expression, details.get("measured", []), lang, alone)
    return values


def _unsaid(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _factor_values(
    expression: str, probes: Sequence[Mapping[str, Any]], lang: str, alone: bool
) -> dict[str, str]:
    words = lexicon(lang).FACTOR
    factor = parse(expression)
    values = {"expr": expression, "times": words["other"].format(expr=expression)}
    if alone:
        values["direction"] = words["direction"]
    names: list[str] = []
    if factor is not None:
        names = list(dict.fromkeys(name.strip("()").split()[0] for name in factor.powers))
        values["expr"] = str(factor)
        values["times"] = _times(factor, words)
        causes = _causes(factor, words)
        if causes:
            values["cause"] = words["join"].join(causes)
    if probes:
        shown = measured(probes, names, words["at"], words["between"])
        values["measured"] = shown if names else words["everywhere"].format(factor=shown.removesuffix("×"))
    return values


def _times(factor: Factor, words: Mapping[str, str]) -> str:
    powers = factor.powers.values()
    if factor.constant >= 1 and all(power > 0 for power in powers):
        return words["large"].format(expr=factor)
    if factor.constant <= 1 and all(power < 0 for power in powers):
        return words["small"].format(expr=factor ** Fraction(-1), factor=factor)
    return words["other"].format(expr=factor)


def _causes(factor: Factor, words: Mapping[str, str]) -> list[str]:
    """Return what each part of a factor tells, the batch size first."""
    powers, causes = dict(factor.powers), []
    if "(n − 1)" in powers:
        causes.append(words["(n − 1)"])
        del powers["(n − 1)"]
        powers.pop("n", None)
    for name in [name for name in powers if name in _SIZES and powers[name] == -powers.get("n", 0)]:
        causes.append(words["n/size" if powers["n"] > 0 else "size/n"].format(name=name))
        del powers[name], powers["n"]
        break
    for name, power in powers.items():
        key = name if power > 0 else f"1/{name}"
        if key in words and abs(power) == 1:
            causes.append(words[key])
        else:
            shown = str(Factor(Fraction(1), {name: abs(power)}))
            causes.append(words["name" if power > 0 else "1/name"].format(name=shown))
    if factor.constant > 1:
        causes.append(words["many"].format(constant=factor.constant))
    elif factor.constant < 1:
        causes.append(words["lost"].format(constant=1 / factor.constant))
    return causes


def _show(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2g}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_show(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return str(value)
