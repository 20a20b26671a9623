"""Everything that grading writes: tables, Gradescope's `results.json`, pages for students, the class report."""

from __future__ import annotations

import csv
import html
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npreg.arrays import as_nonnegative
from npreg.exercises.forward.program import Exercise
from npreg.exercises.words import explain, say
from npreg.files import atomic, is_device, safe_file_name, strict_json, write_text
from npreg.grading.class_report import class_report
from npreg.grading.marking import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = {"output_format": "text", "visibility": "visible"}
PathLike = str | os.PathLike[str]


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
        found = (self.csv, self.gradebook, self.jsonl, self.report)
        beside = [f"{os.fspath(path)}.journal" for path in found if path is not None and not is_device(path)]
        return next(iter(beside), None) if self.journal is None else self.journal

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
        """Write a `results.json`, if any is asked for."""
        if self.gradescope is not None:
            folder = Path(self.gradescope, safe_file_name(name) if name else "")
            write_text(folder / "results.json", strict_json(document, indent=2))

    def write_class(
        self, results: Sequence[Result], exercises: Sequence[Exercise], isolation: Mapping[str, Any], lang: str
    ) -> None:
        """Write what belongs to the class as a whole."""
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
