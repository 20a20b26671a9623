"""The class as a whole on one page of HTML: answers, scores, mistakes with examples, and every submission."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from importlib import resources
from typing import Any

from npreg.exercises.forward.program import Exercise
from npreg.exercises.words import brief, rule, say
from npreg.grading.marking import Mark, Result, describe

STYLE = resources.files(__package__).joinpath("class_report.css").read_text(encoding="utf-8")
EXAMPLES = 3
BINS = 10
OPEN = 3  # the most frequent mistakes are unfolded
FILES = 12  # so many are named
Case = tuple[Result, Mark | None]


def class_report(
    results: Sequence[Result],
    exercise: Exercise,
    isolation: Mapping[str, Any],
    lang: str = "en",
    anonymous: bool = False,
) -> str:
    """The page: one self-contained HTML document without scripts, every text in it escaped.

    An `anonymous` one can be projected: submissions are numbered from the best, and comments are left out.
    """
    results = _nameless(results, lang) if anonymous else results
    names, scores = list(exercise.answers), [result.score for result in results]
    title = say("class.title", lang, title=exercise.title.get(lang) or exercise.title.get("en") or exercise.id)
    average = [f"{f(scores):.0%}" if scores else "–" for f in (statistics.fmean, statistics.median)]
    figures = zip(("entries", "complete", "mean", "median"), (len(scores), scores.count(1), *average), strict=True)
    numbers = [_tag("div", _tag("b", number), _tag("span", say(f"class.{key}", lang))) for key, number in figures]
    right = [sum(mark.right for result in results for mark in result.marks if mark.name == name) for name in names]
    listed = ", ".join(f"{name}: {count}" for name, count in zip(names, right, strict=True))
    label = say("class.answers_label", lang, list=listed, count=len(results))
    answers = _bars(names, right, len(results), say("class.answer", lang), say("feedback.right", lang))
    tenths, counts = [f"{10 * at}\u2013{10 * at + 10}\u00a0%" for at in range(BINS)], [0] * BINS
    for score in scores:
        counts[min(int(score * BINS + 1e-9), BINS - 1)] += 1
    failed: dict[str, list[Case]] = {}
    marked: dict[str, list[Case]] = {}
    for result in results:
        if result.reason is not None:
            failed.setdefault(result.reason, []).append((result, None))
        for mark in result.marks if result.reason is None else ():
            for code in mark.codes:
                marked.setdefault(code, []).append((result, mark))
    protected = describe(isolation, lang) if isolation else [say("class.unknown", lang)]
    sections = {
        "answers": [answers, _tag("p", label, class_="note")],
        "scores": [_bars(tenths, counts, max(counts), say("class.score", lang), say("class.entries", lang))],
        "mistakes": _mistakes(marked, exercise, lang) or [_tag("p", say("class.none", lang))],
        "problems": _mistakes(failed, exercise, lang),
        "students": [_submissions(results, names, lang)],
        "isolation": [_tag("ul", *(_tag("li", line) for line in protected))],
    }
    named = _tag("p", _tag("code", exercise.id), class_="id")
    parts = [_tag("h1", title), named, _tag("div", *numbers, class_="figures")]
    for key, inside in sections.items():
        parts += [_tag("section", _tag("h2", say(f"class.{key}", lang)), *inside)] if inside else []
    head = '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">'
    style = f"{_tag('title', title)}\n<style>{STYLE}</style>"
    body = f"<head>\n{head}\n{style}\n</head>\n<body>\n{_tag('main', *parts)}\n</body>"
    return f'<!DOCTYPE html>\n<html lang="{lang}">\n{body}\n</html>\n'


class _Markup(str):
    """Text that is HTML."""


def _tag(name: str, *inside: object, **attributes: str) -> _Markup:
    """An element; what is inside is escaped, unless it is one itself."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    content = "".join(each if isinstance(each, _Markup) else escape(str(each)) for each in inside)
    return _Markup(f"<{name}{given}>{content}</{name}>")


def _nameless(results: Sequence[Result], lang: str) -> list[Result]:
    """Submissions numbered from the best, which says nothing of the order of names, and code without comments."""
    ordered = sorted(results, key=lambda result: (-result.score, result.codes))
    named = []
    for number, result in enumerate(ordered, 1):
        marks = (replace(mark, excerpt=re.sub(r"[ \t]*#.*", "", mark.excerpt)) for mark in result.marks)
        named.append(replace(result, file=say("class.number", lang, number=number), marks=tuple(marks)))
    return named


def _bars(names: Sequence[str], counts: Sequence[int], whole: int, *heads: str) -> _Markup:
    """A table of counts, each with a bar of its share of `whole`."""
    rows = [_tag("tr", _tag("th", heads[0], scope="col"), _tag("th", heads[1], scope="col", colspan="2"))]
    for name, count in zip(names, counts, strict=True):
        bar = _tag("td", _tag("span", style=f"width:{100 * count / max(whole, 1):.0f}%"), class_="all")
        rows.append(_tag("tr", _tag("th", name, scope="row"), bar, _tag("td", count, class_="number")))
    return _tag("table", *rows, class_="bars")


def _mistakes(found: Mapping[str, Sequence[Case]], exercise: Exercise, lang: str) -> list[_Markup]:
    """The most frequent first: how often, what it says, the rule to teach, who made it, and lines of code."""
    files = {code: list(dict.fromkeys(result.file for result, _ in cases)) for code, cases in found.items()}
    most = max(map(len, files.values()), default=1)
    ranked = sorted(found.items(), key=lambda item: (-len(files[item[0]]), item[0]))
    parts = []
    for place, (code, cases) in enumerate(ranked):
        count, answers = len(files[code]), dict.fromkeys(mark.name for _, mark in cases if mark is not None)
        names = ", ".join(files[code][:FILES]) + (" …" if count > FILES else "")
        inside = [_tag("p", rule(code, exercise.id, lang), class_="rule")] if answers else []
        inside += [_tag("p", ", ".join(answers), class_="where")] if answers else []
        inside += [_tag("p", f"{say('class.files', lang)}: {names}", class_="files"), *_examples(cases, lang)]
        bar = _tag("span", class_="bar", style=f"width:{100 * count / most:.0f}%")
        words = _tag("span", brief(code, lang), class_="said")
        said = (_tag("span", count, class_="count"), " ", _tag("code", code), " ", words)
        unfolded = {"open": "open"} if place < OPEN else {}
        parts.append(_tag("details", _tag("summary", *said, bar), *inside, class_="mistake", **unfolded))
    return parts


def _examples(cases: Sequence[Case], lang: str) -> list[_Markup]:
    """Code that differs in more than spaces and comments, the most frequent first."""
    alike: dict[str, list[tuple[Result, Mark]]] = {}
    for result, mark in cases:
        if mark is not None and mark.excerpt:
            alike.setdefault(re.sub(r"#.*|\s+", "", mark.excerpt), []).append((result, mark))
    parts = []
    for group in sorted(alike.values(), key=len, reverse=True)[:EXAMPLES]:
        result, mark = group[0]
        where = f"{result.file}:{mark.line}" if mark.line else result.file
        more = say("class.alike", lang, count=len(group) - 1) if len(group) > 1 else ""
        parts += [_tag("p", where, more, class_="source"), _tag("pre", mark.excerpt)]
    return parts


def _submissions(results: Sequence[Result], names: Sequence[str], lang: str) -> _Markup:
    """A table with a row per submission, in which its messages are folded."""
    heads = (say("class.submission", lang), *names, say("class.score", lang))
    rows = [_tag("tr", *(_tag("th", head, scope="col") for head in heads))]
    for result in results:
        cells, said = dict.fromkeys(names, _tag("td", "–")), [_tag("p", result.message)]
        for mark in result.marks:
            key, sign = ("right", "✓") if mark.right else ("wrong", "✗")
            word = say(f"feedback.{key}", lang) if mark.mark in (0, 1) else f"{mark.mark:.0%}"
            cells[mark.name] = _tag("td", sign, " ", _tag("span", word), class_=key)
            codes = [piece for code in mark.codes for piece in (" ", _tag("code", code))]
            said.append(_tag("p", _tag("b", mark.name), *codes, " ", mark.message or say(f"class.{key}", lang)))
        folded = said[:1] if result.reason is not None else said[1:]
        name = _tag("th", _tag("details", _tag("summary", result.file), *folded, class_="student"), scope="row")
        rows.append(_tag("tr", name, *cells.values(), _tag("td", f"{result.score:.0%}", class_="score")))
    return _tag("div", _tag("table", *rows, class_="students"), class_="wide")
