"""All words, in English and Chinese: the one place that speaks.

The hints of a mistake come in stages: what is already right (told by the findings), the kind of mistake
(``kind``), what and where it is (``describe``), and which rule of calculus to look at again (``rule``) with a
pointer into ``docs/derivation.md``. None of them holds a right number or a right formula.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from npreg.exercises.found import Found, Replaced, Scale, Told, fact, known
from npreg.exercises.words.factors import factor_values
from npreg.exercises.words.phrases import LANGUAGES, fill, placeholders, say, texts
from npreg.exercises.words.topics import slug, topic

__all__ = [
    "FAMILIES",
    "LANGUAGES",
    "REASONS",
    "brief",
    "describe",
    "explain",
    "finding_note",
    "kind",
    "rule",
    "say",
    "size",
]

FAMILIES = tuple(key.split(".")[1] for key in texts("en") if re.fullmatch(r"code\..*\.kind", key))
"""The part before the colon of every code, in the order of the documentation."""

REASONS = tuple(key.partition(".")[2] for key in texts("en") if key.startswith("reason."))
"""The codes of reasons why a file, or one function of it, has no marks."""


def _of_code(code: str, part: str, lang: str) -> str | None:
    return texts(lang).get(f"code.{code.partition(':')[0]}.{part}")


def kind(code: str, lang: str = "en") -> str:
    """Return the kind of mistake, the second hint.

    >>> kind("factor:n")
    'a constant factor'
    """
    return _of_code(code, "kind", lang) or texts(lang).get(f"reason-brief.{code}") or say("own-kind", lang)


def brief(code: str, lang: str = "en") -> str:
    """Return in one clause what a code says, or several joined by ``+``, or the code of a reason.

    >>> brief("sign+ignores:b"), brief("time-limit")
    ('exactly the negative and as if b were absent', 'did not finish in time')
    """
    clauses = []
    for one in code.split("+"):
        text = _of_code(one, "brief", lang) or texts(lang).get(f"reason-brief.{one}", one)
        clauses.append(fill(text, {"arg": one.partition(":")[2]}))
    return say("joint", lang).join(clauses)


def explain(code: str, lang: str, *, name: str = "", detail: str = "", **values: object) -> str:
    """Return the reason why a file or a function ``name`` of it has no marks.

    >>> print(explain("directory", "en"))
    This is a folder. Hand in one Python file or notebook.
    >>> print(explain("time-limit", "en", name="grad_w", seconds=10))
    `grad_w` did not finish within 10 seconds and was stopped. Look for a loop that never ends, or a call that
    waits for something.
    """
    where = say("where.function", lang, name=name) if name else say("where.file", lang)
    if isinstance(values.get("seconds"), float):
        values["seconds"] = f"{values['seconds']:g}"
    return say(f"reason.{code}", lang, where=where, detail=detail, **values)


def size(count: int) -> str:
    """Return a number of bytes in words.

    >>> size(256 * 2**20)
    '256 MB'
    """
    return f"{count / 2**20:g} MB" if count >= 2**20 else f"{count / 2**10:g} KB"


def describe(code: str, answer: str, found: Found = (), lang: str = "en", *, alone: bool = True) -> str:
    """Return the message of a mistake, the third hint; ``alone`` is false for one of a double mistake.

    >>> from fractions import Fraction
    >>> from npreg.exercises.found import Factor
    >>> scale = Scale("factor:n", Factor(powers=(("n", Fraction(1)),)), ({"n": 7}, {"n": 11}))
    >>> print(describe("factor:n", "grad_w", (scale,)))
    Direction right. Your gradient is exactly n times too large (7× at n = 7, 11× at n = 11): the mean over
    the batch is missing.
    """
    text = _of_code(code, "text", lang)
    if text is None:
        return _told(found, lang)
    sentences = [fill(text, _values(code, answer, found, lang, alone))]
    conventions, neighbour, first = (fact(found, slot) for slot in ("conventions", "neighbour", "first"))
    if conventions:
        listed = say("list", lang).join(say(f"convention.{name}", lang) for name in conventions)
        sentences.append(say("convention.sentence", lang, list=listed))
    sentences += [say("neighbour", lang, neighbour=neighbour)] if neighbour else []
    sentences += [say("step", lang, step=first)] if first else []
    return say("space", lang).join(sentences)


def rule(code: str, exercise: str, lang: str = "en") -> str:
    """Return which rule to look at again and where it is derived, the fourth hint.

    >>> print(rule("not-summed", "minibatch-sum"))
    The rule to look at again: one parameter acts on every example, so the contributions of all examples add
    up ("The minibatch: sum" in docs/derivation.md#the-minibatch-sum).
    """
    where = topic(code, exercise)
    place = say("place", lang, title=say(f"topic.{where}", lang), anchor=slug(say(f"topic.{where}", "en")))
    return say("look", lang, rule=_of_code(code, "rule", lang) or say("own-rule", lang), place=place)


def finding_note(kind: str, details: Mapping[str, Any], lang: str = "en") -> str:
    """Return what is worth saying about a finding that is all right (float32, a kink), often nothing."""
    if kind == "dtype" and details.get("got") not in ("float16", "float32"):
        return ""
    template = texts(lang).get(f"note.{kind}")
    if template is None or not placeholders(template) <= details.keys():
        return ""
    return fill(template, details)


def _told(found: Found, lang: str) -> str:
    """Return the message that came with a mistake registered by a teacher."""
    for record in found:
        if isinstance(record, Told):
            message = record.message
            if isinstance(message, Mapping):
                message = message.get(lang) or next(iter(message.values()), "")
            return str(message) or say("own-kind", lang)
    return say("own-kind", lang)


def _values(code: str, answer: str, found: Found, lang: str, alone: bool) -> dict[str, str]:
    """Return the values of all placeholders that this code and these records can fill."""
    subject = "gradient" if answer.startswith("grad_") else "answer"
    argument = code.partition(":")[2]
    values = {
        "answer": answer,
        "arg": argument,
        "subject": say(subject, lang, answer=answer),
        "subject_inner": say(subject + "_inner", lang, answer=answer),
        "times": say("factor.other", lang, expr=argument),
    }
    inside = fact(found, "inside")
    values["link"] = say("link-inside" if inside else "link", lang, inside=inside, arg=argument)
    if alone:
        values |= {"alone": "", "direction": say("factor.direction", lang)}
    for record in found:
        if isinstance(record, Scale):
            values |= factor_values(record, lang) if record.code == code else {}
        elif isinstance(record, Replaced):
            values |= {"function": say(f"function.{record.function}", lang), "meant": record.meant}
        else:
            said = ((name, value) for name, value in known(record).items() if value not in (None, "", {}))
            values |= {name: _show(value, lang) for name, value in said}
    if fact(found, "neighbour"):
        values.pop("cause", "")  # the neighbour tells the cause
    return values


def _show(value: object, lang: str) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {size}" for name, size in value.items())
    if isinstance(value, tuple):
        return str(value) if value else say("scalar", lang)
    return str(value).strip()
