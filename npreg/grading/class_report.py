"""The class as a whole on one page of HTML: answers, scores, mistakes with examples, and every student."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from npreg.exercises.words import brief, say
from npreg.files import write_text
from npreg.grading.result import Mark, Result, describe

if TYPE_CHECKING:
    from npreg.exercises.forward.program import Exercise

STYLE = resources.files(__package__).joinpath("class_report.css").read_text(encoding="utf-8")
EXAMPLES = 3
BINS = 10
OPEN = 3  # the most frequent mistakes are unfolded


def write_report(
    path: str | os.PathLike[str],
    results: Sequence[Result],
    exercise: Exercise,
    isolation: Mapping[str, Any],
    lang: str = "en",
) -> None:
    """Write the page atomically."""
    write_text(path, class_report(results, exercise, isolation, lang))


def class_report(results: Sequence[Result], exercise: Exercise, isolation: Mapping[str, Any], lang: str = "en") -> str:
    """Return the page: one self-contained HTML document without scripts, every text in it escaped."""
    title = exercise.title.get(lang) or exercise.title.get("en") or exercise.id
    heading = say("class.title", lang, title=title)
    protected = describe(isolation, lang) if isolation else [say("class.unknown", lang)]
    parts = [
        f"<h1>{escape(heading)}</h1>",
        _summary(results, exercise, lang),
        _section(say("class.answers", lang), _answers(results, list(exercise.answers), lang)),
        _section(say("class.scores", lang), _scores(results)),
        _section(say("class.mistakes", lang), _mistakes(results, lang)),
        _section(say("class.students", lang), "".join(_student(result, lang) for result in results)),
        _section(say("class.isolation", lang), _list(protected)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(heading)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n{content}\n</section>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _summary(results: Sequence[Result], exercise: Exercise, lang: str) -> str:
    scores = [result.score for result in results]
    figures = [
        (say("class.entries", lang), str(len(results))),
        (say("class.complete", lang), str(sum(score == 1 for score in scores))),
        (say("class.mean", lang), f"{statistics.fmean(scores):.0%}" if scores else "–"),
        (say("class.median", lang), f"{statistics.median(scores):.0%}" if scores else "–"),
    ]
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    return f'<p class="id"><code>{escape(exercise.id)}</code></p>\n<div class="figures">{cells}</div>'


def _answers(results: Sequence[Result], names: Sequence[str], lang: str) -> str:
    right = [sum(m.right for result in results for m in result.marks if m.name == name) for name in names]
    label = say(
        "class.answers_label",
        lang,
        list=", ".join(f"{name}: {count}" for name, count in zip(names, right, strict=True)),
        count=len(results),
    )
    return f'{_bars(names, right, len(results))}<p class="note">{escape(label)}</p>'


def _scores(results: Sequence[Result]) -> str:
    tenths = [f"{10 * number}\u2013{10 * number + 10} %" for number in range(BINS)]
    counts = score_counts([result.score for result in results])
    return _bars(tenths, counts, max([1, *counts]))


def _bars(names: Sequence[str], counts: Sequence[int], whole: int) -> str:
    """A table of counts, each with a bar of its share of ``whole``."""
    rows = [
        f'<tr><th scope="row">{escape(name)}</th><td class="all">'
        f'<span style="width:{100 * count / max(whole, 1):.0f}%"></span></td>'
        f'<td class="number">{count}</td></tr>'
        for name, count in zip(names, counts, strict=True)
    ]
    return f'<table class="bars">{"".join(rows)}</table>'


def score_counts(scores: Sequence[float]) -> list[int]:
    """Return how many scores lie in each tenth; 1 belongs to the last.

    >>> score_counts([0.0, 0.5, 1.0])
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    """
    counts = [0] * BINS
    for score in scores:
        counts[min(int(score * BINS + 1e-9), BINS - 1)] += 1
    return counts


def _mistakes(results: Sequence[Result], lang: str) -> str:
    """The codes of the class, the most frequent first, with how often, what they say, and examples."""
    found: dict[str, list[tuple[Result, Mark | None]]] = {}
    for result in results:
        if result.reason is not None:
            found.setdefault(result.reason, []).append((result, None))
            continue
        for mark in result.marks:
            for code in mark.codes:
                found.setdefault(code, []).append((result, mark))
    if not found:
        return f"<p>{escape(say('class.none', lang))}</p>"
    most = max(len({result.file for result, _ in cases}) for cases in found.values())
    ranked = sorted(found.items(), key=lambda item: (-len({case[0].file for case in item[1]}), item[0]))
    return "".join(_mistake(code, cases, most, place < OPEN, lang) for place, (code, cases) in enumerate(ranked))


def _mistake(code: str, cases: Sequence[tuple[Result, Mark | None]], most: int, shown: bool, lang: str) -> str:
    files = list(dict.fromkeys(result.file for result, _ in cases))
    answers = list(dict.fromkeys(mark.name for _, mark in cases if mark is not None))
    share = round(100 * len(files) / most)
    said = brief(code, lang)
    shown_lines = [(result, mark) for result, mark in cases if mark is not None and mark.excerpt]
    examples = [_example(result, mark) for result, mark in shown_lines[:EXAMPLES]]
    where = f'<p class="where">{escape(", ".join(answers))}</p>' if answers else ""
    within = say("class.files", lang)
    names = escape(", ".join(files[:12]) + (" …" if len(files) > 12 else ""))
    return (
        f'<details class="mistake"{" open" if shown else ""}><summary>'
        f'<span class="count">{len(files)}</span> '
        f"<code>{escape(code)}</code> "
        f'<span class="said">{escape(said)}</span><span class="bar" style="width:{share}%"></span></summary>'
        f'{where}<p class="files">{escape(within)}: {names}</p>{"".join(examples)}</details>'
    )


def _example(result: Result, mark: Mark) -> str:
    where = f"{result.file}:{mark.line}" if mark.line else result.file
    return f'<p class="source">{escape(where)}</p><pre>{escape(mark.excerpt)}</pre>'


def _student(result: Result, lang: str) -> str:
    marks = "".join(
        f'<span class="{"right" if mark.right else "wrong"}" title="{escape(mark.name)}">'
        f"{'✓' if mark.right else '✗'}</span>"
        for mark in result.marks
    )
    said = [f"<p>{escape(result.message)}</p>"] if result.reason is not None else []
    if result.reason is None:
        said += [_said(mark, lang) for mark in result.marks]
    return (
        f'<details class="student"><summary><span class="name">{escape(result.file)}</span>'
        f'<span class="marks">{marks}</span><span class="score">{result.score:.0%}</span></summary>'
        f"{''.join(said)}</details>"
    )


def _said(mark: Mark, lang: str) -> str:
    codes = " ".join(f"<code>{escape(code)}</code>" for code in mark.codes)
    text = mark.message or say("class.right" if mark.right else "class.wrong", lang)
    return f"<p><b>{escape(mark.name)}</b> {codes} {escape(text)}</p>"
