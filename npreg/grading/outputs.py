"""Everything that grading writes: tables, Gradescope's `results.json`, pages for students, the class report."""

import csv
import html
import os
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from npreg.arrays import as_nonnegative
from npreg.exercises.forward.program import Exercise
from npreg.exercises.words import brief, explain, rule, say
from npreg.files import atomic, is_device, safe_file_name, strict_json, write_text
from npreg.grading.marking import Mark, Result, describe

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = {"output_format": "text", "visibility": "visible"}
STYLE = resources.files(__package__).joinpath("class_report.css").read_text(encoding="utf-8")
EXAMPLES = 3
BINS = 10
OPEN = 3  # the most frequent mistakes are unfolded
FILES = 12  # so many are named
PathLike = str | os.PathLike[str]
Case = tuple[str, Result, Mark | None]
"""A code, or a reason, and where it was met."""


@dataclass(frozen=True)
class Outputs:
    """Where results go; what is None is not written.

    `points` is what a submission is worth on Gradescope and in the `gradebook`; `bom` marks tables as UTF-8 for
    spreadsheets that guess; an `anonymous` class report names nobody.
    """

    csv: PathLike | None = None
    gradebook: PathLike | None = None
    jsonl: PathLike | None = None
    gradescope: PathLike | None = None
    feedback: PathLike | None = None
    report: PathLike | None = None
    journal: PathLike | None = None
    points: float = 1.0
    bom: bool = False
    anonymous: bool = False

    def __post_init__(self) -> None:
        as_nonnegative(self.points, "points")

    def paths(self) -> list[PathLike]:
        """All paths that are written, to leave them out where they lie in the folder itself."""
        named = (self.csv, self.gradebook, self.jsonl, self.gradescope, self.feedback, self.report, self.journal_path())
        return [path for path in named if path is not None]

    def journal_path(self) -> PathLike | None:
        """The journal: the one named, else beside the first table."""
        tables = (self.csv, self.gradebook, self.jsonl, self.report)
        beside = (f"{os.fspath(path)}.journal" for path in tables if path is not None and not is_device(path))
        return next(beside, None) if self.journal is None else self.journal

    def write_student(self, result: Result, name: str, lang: str) -> None:
        """Write what belongs to one student, below that name; Gradescope's file in the folder itself for ""."""
        self.write_gradescope(name, gradescope(result, self.points, lang))
        if self.feedback is not None:
            write_text(Path(self.feedback, f"{safe_file_name(name or result.file)}.md"), feedback(result, lang))

    def write_zero(self, name: str, lang: str, missing: str = "") -> None:
        """Write a valid file with zero points for Gradescope, so that something is there whatever happens next."""
        output = explain("missing", lang, detail=missing) if missing else say("gradescope.not-yet", lang)
        self.write_gradescope(name, {"score": 0.0, "output": output, "output_format": "text", "tests": []})

    def write_gradescope(self, name: str, document: Mapping[str, Any]) -> None:
        if self.gradescope is not None:
            folder = Path(self.gradescope, safe_file_name(name) if name else "")
            write_text(folder / "results.json", strict_json(document, indent=2))

    def write_class(
        self, results: Sequence[Result], exercises: Sequence[Exercise], isolation: Mapping[str, Any], lang: str
    ) -> None:
        book = gradebook(results, exercises, self.points)
        for path, rows in ((self.csv, marks_table(results, exercises)), (self.gradebook, book)):
            if path is not None:
                with atomic(path) as file:
                    file.write("\ufeff" if self.bom else "")
                    csv.writer(file, lineterminator="\n").writerows(rows)
        if self.jsonl is not None:
            with atomic(self.jsonl) as file:
                file.writelines(strict_json(result.to_dict()) + "\n" for result in results)
        for exercise in exercises if self.report is not None else ():
            path = Path(self.report or "")
            if len(exercises) > 1:
                path = path.with_name(f"{path.stem}-{exercise.id}{path.suffix}")
            own = [result for result in results if result.exercise == exercise.id]
            write_text(path, class_report(own, exercise, isolation, lang, self.anonymous))


def marks_table(results: Iterable[Result], exercises: Sequence[Exercise]) -> Iterator[list[str]]:
    """A row per result: file, exercise if there are several, score in 0..1, marks, all codes, the first message."""
    several = len(exercises) > 1
    answers = list(dict.fromkeys(name for exercise in exercises for name in exercise.answers))
    asked = {exercise.id: exercise.answers for exercise in exercises}
    yield ["file", *(["exercise"] if several else []), "score", *answers, "codes", "message"]
    for result in results:
        marks = dict.fromkeys(asked[result.exercise], "0") | {mark.name: f"{mark.mark:.6g}" for mark in result.marks}
        row = [cell(result.file), *([result.exercise] if several else []), f"{result.score:.6g}"]
        yield [*row, *(marks.get(name, "") for name in answers), "; ".join(result.codes), cell(result.message)]


def gradebook(results: Iterable[Result], exercises: Sequence[Exercise], points: float) -> Iterator[list[str]]:
    """A row per student, to be joined with a gradebook: number, name, and points per exercise."""
    scores: dict[tuple[str, str, str], dict[str, float]] = {}
    for result in results:
        scores.setdefault((result.file, result.student, result.name), {})[result.exercise] = points * result.score
    yield ["student_id", "name", *(exercise.id for exercise in exercises)]
    for (_, student, name), own in scores.items():
        yield [cell(student), cell(name), *(f"{own.get(exercise.id, 0.0):.6g}" for exercise in exercises)]


def cell(text: str) -> str:
    """Text for one cell: a single line, and nothing that a spreadsheet would run as a formula."""
    text = " ".join(text.split("\n"))
    return "'" + text if text.startswith(_FORMULA) else text


def gradescope(result: Result, points: float, lang: str = "en") -> dict[str, Any]:
    """What Gradescope reads: one test per answer, all of them worth the same, `points` together.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    share, tests = float(points) / max(len(result.marks), 1), []
    for number, mark in enumerate(result.marks, 1):
        score = {"score": round(share * float(mark.mark), 6), "max_score": round(share, 6)}
        named = {"name": mark.name, "name_format": "text", "number": str(number), "output": "\n".join(mark.told)}
        tests.append({**score, "status": "passed" if mark.right else "failed", **named, **_SHOWN})
    praise = say("gradescope.all-right", lang) if result.score == 1 else ""
    return {
        "score": round(float(points) * float(result.score), 6),
        "output": praise if result.reason is None else result.message,
        **_SHOWN,
        "stdout_visibility": "hidden",
        "extra_data": {"file": result.file, "exercise": result.exercise, "isolation": dict(result.isolation)},
        "tests": tests,
    }


def feedback(result: Result, lang: str = "en") -> str:
    """One student's page of Markdown, without any right number or formula."""
    right = sum(mark.right for mark in result.marks)
    parts = [
        "# " + say("feedback.title", lang, exercise=escape(result.exercise)),
        say("feedback.file", lang, file=escape(result.file)),
        say("feedback.score", lang, right=right, count=len(result.marks), score=f"{result.score:.0%}"),
    ]
    if result.reason is not None:
        parts.append(escape(result.message))
    elif result.marks and right == len(result.marks):
        parts.append(say("feedback.all", lang))
    for mark in result.marks:
        sign, state = ("✓", "right") if mark.right else ("✗", "wrong")
        said = () if result.reason is not None else mark.told
        parts += [f"## {sign} `{mark.name}`: {say(f'feedback.{state}', lang)}", *map(escape, said)]
        if said and mark.line is not None and not mark.right:
            parts.append(say("feedback.begins", lang, line=mark.line))
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is; code in back-quotes stays code."""
    text, *code = text.split("\n    ")
    pieces = re.split(r"(`[^`\n<>]*`)", text)
    pieces[::2] = [re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(piece, quote=False)) for piece in pieces[::2]]
    escaped = "".join(pieces)
    return "\n    ".join([escaped + "\n" if code else escaped, *code])  # a block of code stays as it is


def class_report(
    results: Sequence[Result], exercise: Exercise, isolation: Mapping[str, Any], lang: str, anonymous: bool = False
) -> str:
    """The page: one self-contained HTML document without scripts, every text in it escaped.

    An `anonymous` one can be projected: submissions are numbered from the best, and comments are left out.
    """
    results = list(_nameless(results, lang)) if anonymous else results
    names, scores = list(exercise.answers), [result.score for result in results]
    title = say("class.title", lang, title=exercise.title.get(lang) or exercise.title.get("en") or exercise.id)
    average = [f"{f(scores):.0%}" if scores else "–" for f in (statistics.fmean, statistics.median)]
    figures = zip(("entries", "complete", "mean", "median"), (len(scores), scores.count(1), *average), strict=True)
    numbers = [_tag("div", _tag("b", number), _tag("span", say(f"class.{key}", lang))) for key, number in figures]
    right = [sum(mark.right for result in results for mark in result.marks if mark.name == name) for name in names]
    listed = ", ".join(f"{name}: {count}" for name, count in zip(names, right, strict=True))
    label = say("class.answers_label", lang, list=listed, count=len(results))
    answers = _bars(names, right, len(results), say("class.answer", lang), say("feedback.right", lang))
    tenths, bins = range(BINS), [min(int(score * BINS + 1e-9), BINS - 1) for score in scores]
    shares, counts = [f"{10 * at}\u2013{10 * at + 10}\u00a0%" for at in tenths], list(map(bins.count, tenths))
    failed = [(result.reason, result, None) for result in results if result.reason is not None]
    judged = ((result, mark) for result in results if result.reason is None for mark in result.marks)
    marked = [(code, result, mark) for result, mark in judged for code in mark.codes]
    protected = describe(isolation, lang) if isolation else [say("class.unknown", lang)]
    sections = {
        "answers": [answers, _tag("p", label, class_="note")],
        "scores": [_bars(shares, counts, max(counts), say("class.score", lang), say("class.entries", lang))],
        "mistakes": [*_mistakes(marked, exercise, lang)] or [_tag("p", say("class.none", lang))],
        "problems": [*_mistakes(failed, exercise, lang)],
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
    given = "".join(f' {key.rstrip("_")}="{html.escape(value)}"' for key, value in attributes.items())
    content = "".join(each if isinstance(each, _Markup) else html.escape(str(each)) for each in inside)
    return _Markup(f"<{name}{given}>{content}</{name}>")


def _nameless(results: Sequence[Result], lang: str) -> Iterator[Result]:
    """Submissions numbered from the best, which says nothing of the order of names, and code without comments."""
    ordered = sorted(results, key=lambda result: (-result.score, result.codes))
    for number, result in enumerate(ordered, 1):
        marks = (replace(mark, excerpt=re.sub(r"[ \t]*#.*", "", mark.excerpt)) for mark in result.marks)
        yield replace(result, file=say("class.number", lang, number=number), marks=tuple(marks))


def _bars(names: Sequence[str], counts: Sequence[int], whole: int, *heads: str) -> _Markup:
    """A table of counts, each with a bar of its share of `whole`."""
    rows = [_tag("tr", _tag("th", heads[0], scope="col"), _tag("th", heads[1], scope="col", colspan="2"))]
    for name, count in zip(names, counts, strict=True):
        bar = _tag("td", _tag("span", style=f"width:{100 * count / max(whole, 1):.0f}%"), class_="all")
        rows.append(_tag("tr", _tag("th", name, scope="row"), bar, _tag("td", count, class_="number")))
    return _tag("table", *rows, class_="bars")


def _mistakes(cases: Sequence[Case], exercise: Exercise, lang: str) -> Iterator[_Markup]:
    """The most frequent first: how often, what it says, the rule to teach, who made it, and lines of code."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case[0], []).append(case)
    files = {code: list(dict.fromkeys(result.file for _, result, _ in own)) for code, own in found.items()}
    most = max(map(len, files.values()), default=1)
    for place, code in enumerate(sorted(found, key=lambda code: (-len(files[code]), code))):
        count, answers = len(files[code]), dict.fromkeys(mark.name for *_, mark in found[code] if mark is not None)
        names = ", ".join(files[code][:FILES]) + (" …" if count > FILES else "")
        inside = [_tag("p", rule(code, exercise.id, lang), class_="rule")] if answers else []
        inside += [_tag("p", ", ".join(answers), class_="where")] if answers else []
        inside += [_tag("p", f"{say('class.files', lang)}: {names}", class_="files"), *_examples(found[code], lang)]
        bar = _tag("span", class_="bar", style=f"width:{100 * count / most:.0f}%")
        words = _tag("span", brief(code, lang), class_="said")
        said = (_tag("span", count, class_="count"), " ", _tag("code", code), " ", words)
        unfolded = {"open": "open"} if place < OPEN else {}
        yield _tag("details", _tag("summary", *said, bar), *inside, class_="mistake", **unfolded)


def _examples(cases: Sequence[Case], lang: str) -> Iterator[_Markup]:
    """Code that differs in more than spaces and comments, the most frequent first."""
    alike: dict[str, list[tuple[Result, Mark]]] = {}
    for _, result, mark in cases:
        if mark is not None and mark.excerpt:
            alike.setdefault(re.sub(r"#.*|\s+", "", mark.excerpt), []).append((result, mark))
    for group in sorted(alike.values(), key=len, reverse=True)[:EXAMPLES]:
        result, mark = group[0]
        where = f"{result.file}:{mark.line}" if mark.line else result.file
        more = say("class.alike", lang, count=len(group) - 1) if len(group) > 1 else ""
        yield _tag("p", where, more, class_="source")
        yield _tag("pre", mark.excerpt)


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
