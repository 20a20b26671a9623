"""All words, in English and Chinese: the one place that speaks, and never says a right number or formula.

Sentences stand by their keys in ``en.txt`` and ``zh.txt``: a line not indented is a key, those below it its text.
A line break in a text is a space (none between two Chinese characters), ``␣`` a space at an end, ``\\n`` a new line,
``{name}`` a placeholder; a part in square brackets is left out unless all of its have values; ``#`` begins a comment.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from npreg.exercises.found import Factor, Facts, columns

__all__ = ["FAMILIES", "LANGUAGES", "REASONS", "brief", "cut", "describe", "explain", "finding_note", "kind"]
__all__ += ["measured", "ratio", "reworded", "rule", "say", "size", "texts", "wrap"]

LANGUAGES = ("en", "zh")
MAX_LINES = 20
WIDTH = 96
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NO_BREAK_BEFORE, _NO_BREAK_AFTER = "，。；：、）”？！》", "（《"
_SIZES = ("d", "k", "h")
_SHOWN_PROBES = 3
# Facts in the place of what a message says in general: {plain}
_VARIANTS = {"zero", "enters", "cut", "diagonal", "by", "averaged"}


@cache
def texts(lang: str) -> Mapping[str, str]:
    """All texts of a language by key; a `ValueError` for a language that is not there."""
    if lang not in LANGUAGES:
        raise ValueError(f"no messages in the language {lang!r}; there are {', '.join(LANGUAGES)}")
    return read(resources.files(__package__).joinpath(f"{lang}.txt").read_text(encoding="utf-8"))


def read(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    key = ""
    for line in filter(str.strip, text.splitlines()):
        more = line.strip()
        if line[0].isspace():
            before = found[key]
            found[key] += more if not before or (_wide(before[-1]) and _wide(more[0])) else f" {more}"
        elif not line.startswith("#"):
            key = more
            if key in found:
                raise ValueError(f"the key {key!r} stands there twice")
            found[key] = ""
    return {key: text.replace("␣", " ").replace("\\n", "\n") for key, text in found.items()}


def _wide(letter: str) -> bool:
    return columns(letter) == 2


def placeholders(template: str) -> set[str]:
    """The names that a template needs, also in its optional parts."""
    return set(_PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, object]) -> str:
    """Fill a template; a part in square brackets is dropped unless each of its placeholders has a value."""
    kept = _OPTIONAL.sub(lambda part: part[1] if placeholders(part[1]) <= values.keys() else "", template)
    missing = placeholders(kept) - values.keys()
    if missing:
        raise ValueError(f"no value for {sorted(missing)} in the message {template!r}")
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), kept)


def say(key: str, lang: str, **values: object) -> str:
    return fill(texts(lang)[key], values)


def reworded(message: str, lang: str) -> str:
    """An English message, of argparse or an error, which is one of the texts below ``usage.error.``, in a language."""
    for key, template in texts("en").items() if lang != "en" else ():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))
        found = re.fullmatch(pattern, message) if key.startswith("usage.error.") else None
        if found:
            return say(key, lang, **{name: reworded(text, lang) for name, text in found.groupdict().items()})
    return message


def cut(lines: list[str], lang: str = "en") -> list[str]:
    """The lines, the end replaced by a count where there are more than 20."""
    if len(lines) <= MAX_LINES:
        return lines
    return [*lines[: MAX_LINES - 1], say("cut", lang, count=len(lines) - MAX_LINES + 1)]


def wrap(sentence: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Break a sentence into lines of at most `width` columns; indented lines of code after it stay as they are."""
    sentence, *code = sentence.split("\n    ")
    lines, rest = [], " ".join(sentence.split())
    while rest:
        end = _line_end(rest, width - len(indent))
        lines.append(indent + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, *(f"{indent}    {line}" for line in code)]


def _line_end(rest: str, width: int) -> int:
    """Where the first line of `rest` ends: at a space, or between two wide characters."""
    taken, last = 0, 0
    for position, letter in enumerate(rest):
        taken += columns(letter)
        if taken > width:
            return last or position
        following = rest[position + 1 : position + 2]
        wide = _wide(letter) and letter not in _NO_BREAK_AFTER
        if letter == " " or (wide and following and following not in _NO_BREAK_BEFORE):
            last = position + 1
    return len(rest)


FAMILIES = tuple(key.split(".")[1] for key in texts("en") if re.fullmatch(r"code\..*\.kind", key))
"""The part before the colon of every code, in the order of the documentation."""

REASONS = tuple(key.partition(".")[2] for key in texts("en") if key.startswith("reason."))
"""The codes of reasons why a file, or one function of it, has no marks."""

_SECTIONS = """one-weight: one-weight; one-example: one-example; sum: not-summed first-only last-only off-by-one
    minibatch-sum; mean: mean-of-products minibatch-mean; step: update-returned sgd-step; matrix: axis transpose
    broadcast elementwise shape column-vectors; outputs: several-outputs; squared: mean-squared-error; huber: huber;
    quantile: quantile; penalty: ridge; second: hessian; softmax: logistic softmax; hidden: hidden-layer;
    norm: layer-norm attention; chain: chain-missing chain-twice; check: numerical"""
SECTIONS = {section.strip(): names for section, names in (row.split(":") for row in _SECTIONS.split(";"))}
"""The sections of ``docs/derivation.md``, and which codes and exercises each of them derives."""


def _of_code(code: str, part: str, lang: str) -> str | None:
    return texts(lang).get(f"code.{code.partition(':')[0]}.{part}")


def kind(code: str, lang: str = "en") -> str:
    """The kind of mistake, the second hint: "a constant factor"."""
    return _of_code(code, "kind", lang) or texts(lang).get(f"reason-brief.{code}") or say("own-kind", lang)


def brief(code: str, lang: str = "en") -> str:
    """In one clause what a code says, or several joined by `+`, or the code of a reason."""
    clauses = []
    for one in code.split("+"):
        text = _of_code(one, "brief", lang) or texts(lang).get(f"reason-brief.{one}", one)
        clauses.append(fill(text, {"arg": one.partition(":")[2]}))
    return say("joint", lang).join(clauses)


def explain(code: str, lang: str, *, name: str = "", detail: str = "", **values: object) -> str:
    """The reason why a file or a function `name` of it has no marks."""
    where = say("where.function", lang, name=name) if name else say("where.file", lang)
    if isinstance(values.get("seconds"), float):
        values["seconds"] = f"{values['seconds']:g}"
    return say(f"reason.{code}", lang, where=where, detail=reworded(detail, lang), **values)


def size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 2**20:g} MB" if count >= 2**20 else f"{count / 2**10:g} KB"


def describe(code: str, answer: str, facts: Facts, lang: str = "en", *, alone: bool = True) -> str:
    """The message of a mistake, the third hint; `alone` is false for one of a double mistake."""
    text = _of_code(code, "text", lang)
    if text is None:  # a mistake registered by a teacher
        message = facts.get("message", "")
        if isinstance(message, Mapping):
            message = message.get(lang) or next(iter(message.values()), "")
        return str(message) or say("own-kind", lang)
    argument = code.partition(":")[2]
    subject = "gradient" if answer.startswith("grad_") else "answer"
    values = {
        "answer": answer,
        "arg": argument,
        "subject": say(subject, lang, answer=answer),
        "subject_inner": say(subject + "_inner", lang, answer=answer),
        "times": say("factor.other", lang, expr=argument),
        "link": say("link-inside" if "inside" in facts else "link", lang, inside=facts.get("inside"), arg=argument),
    }
    values |= {} if _VARIANTS & facts.keys() & placeholders(text) else {"plain": ""}
    if alone:
        values |= {"alone": "", "direction": say("factor.direction", lang)}
    if code in facts.get("factors", {}):
        values |= factor_values(facts["factors"][code], facts["quantities"], lang)
    values |= {name: _show(value, lang) for name, value in facts.items() if value not in (None, "", {})}
    if "function" in facts:
        values["function"] = say(f"function.{facts['function']}", lang)
    if "neighbour" in facts:
        values.pop("cause", "")  # the neighbour tells the cause
    sentences = [fill(text, values)]
    if facts.get("conventions"):
        names = say("list", lang).join(say(f"convention.{name}", lang) for name in facts["conventions"])
        sentences.append(say("convention.sentence", lang, list=names))
    sentences += [say("neighbour", lang, neighbour=facts["neighbour"])] if "neighbour" in facts else []
    sentences += [say("step", lang, step=facts["first"])] if "first" in facts else []
    return say("space", lang).join(sentences)


def _show(value: object, lang: str) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {size}" for name, size in value.items())
    if isinstance(value, tuple):
        return str(value) if value else say("scalar", lang)
    return str(value).strip()


def factor_values(factor: Factor, quantities: Sequence[Mapping[str, float]], lang: str) -> dict[str, str]:
    """What a message says about a factor: `expr`, `times`, `measured` and `cause`."""
    powers = dict(factor.powers).values()
    times = say("factor.other", lang, expr=factor)
    if factor.constant >= 1 and all(power > 0 for power in powers):
        times = say("factor.large", lang, expr=factor)
    elif factor.constant <= 1 and all(power < 0 for power in powers):
        times = say("factor.small", lang, expr=factor.inverse, factor=factor)
    values = {"expr": str(factor), "times": times}
    causes = _causes(factor, lang)
    if causes:
        values["cause"] = say("factor.join", lang).join(causes)
    names = list(dict.fromkeys("n" if name == "n-1" else name for name, _ in factor.powers))
    shown = measured(factor, quantities, names, lang)
    return {**values, "measured": shown if names else say("factor.everywhere", lang, factor=shown)}


def _causes(factor: Factor, lang: str) -> list[str]:
    """What each part of a factor tells, the batch size first."""
    powers, causes = dict(factor.powers), []
    if "n-1" in powers:
        causes.append(say("factor.n-1", lang))
        del powers["n-1"]
        powers.pop("n", None)
    for name in [name for name in powers if name in _SIZES and 0 > powers[name] == -powers.get("n", 0)][:1]:
        causes.append(say("factor.n/size", lang, name=name))
        del powers[name], powers["n"]
    for name, power in powers.items():
        over = "" if power > 0 else "1/"
        if f"factor.{over}{name}" in texts(lang) and abs(power) == 1:
            causes.append(say(f"factor.{over}{name}", lang))
        else:
            causes.append(say(f"factor.{over}name", lang, name=Factor(powers=((name, abs(power)),))))
    if factor.constant != 1:
        many, key = factor.constant > 1, "factor.many" if factor.constant > 1 else "factor.lost"
        causes.append(say(key, lang, constant=Factor(constant=factor.constant if many else 1 / factor.constant)))
    return causes


def ratio(value: float) -> str:
    """A measured factor, as a small fraction where it is one."""
    near = Fraction(value).limit_denominator(60)
    return str(near) if near and abs(float(near) / value - 1) < 1e-6 else f"{value:.4g}"


def measured(factor: Factor, quantities: Sequence[Mapping[str, float]], names: Sequence[str], lang: str = "en") -> str:
    """A factor, probe by probe, with those sizes that it depends on; the sign has a code of its own."""
    parts: dict[str, None] = {}
    for there in quantities:
        sizes = ", ".join(f"{name} = {ratio(there[name])}" for name in names)
        times = ratio(abs(factor.value(there)))
        parts[say("factor.at", lang, factor=times, sizes=sizes) if sizes else f"{times}×"] = None
    return say("factor.between", lang).join(list(parts)[:_SHOWN_PROBES])


def rule(code: str, exercise: str, lang: str = "en") -> str:
    """Which rule to look at again and where it is derived, the fourth hint."""
    section = topic(code, exercise)
    heading = say(f"topic.{section}", "en").lower()
    anchor = "".join(c for c in heading if c.isalnum() or c in " -_").replace(" ", "-")  # as GitHub makes it
    place = say("place", lang, title=say(f"topic.{section}", lang), anchor=anchor)
    return say("look", lang, rule=_of_code(code, "rule", lang) or say("own-rule", lang), place=place)


def topic(code: str, exercise: str) -> str:
    """The key of the section that derives what the code, or else the exercise, is about."""
    family, _, argument = code.partition(":")
    if family == "factor" and "n" in argument:
        return "mean"
    wanted = (section for name in (family, exercise) for section, names in SECTIONS.items() if name in names.split())
    return next(wanted, "chain")


def finding_note(kind: str, details: Mapping[str, Any], lang: str = "en") -> str:
    """What is worth saying about a finding that is all right (float32, a kink), often nothing."""
    template = texts(lang).get(f"note.{kind}", "")
    if not template or placeholders(template) - details.keys():
        return ""
    if kind == "dtype" and details.get("got") not in ("float16", "float32"):
        return ""
    return say("note", lang, name=say(f"finding.{kind}", lang), note=fill(template, details))
