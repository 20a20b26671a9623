"""Results as tables: CSV with one row per entry, JSON Lines with the full reports."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from npreg.exercises.forward.program import Exercise
from npreg.files import atomic, strict_json
from npreg.grading.result import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


PathLike = str | os.PathLike[str]


def write_csv(path: PathLike, results: Iterable[Result], exercises: Sequence[Exercise], bom: bool = False) -> None:
    """Write one row per result: file, score in 0..1, a mark per answer, all codes, and the first message.

    With several exercises a column says which. Text that a spreadsheet would run as a formula gets an
    apostrophe in front; ``bom`` begins the file with a mark that tells spreadsheets its encoding.
    """
    several = ["exercise"] if len(exercises) > 1 else []
    answers = list(dict.fromkeys(name for exercise in exercises for name in exercise.answers))
    asked = {exercise.id: exercise.answers for exercise in exercises}
    with _table(path, bom) as table:
        table.writerow(["file", *several, "score", *answers, "codes", "message"])
        for result in results:
            marks = dict.fromkeys(asked[result.exercise], "0")
            marks |= {mark.name: f"{mark.mark:.6g}" for mark in result.marks}
            table.writerow(
                [
                    cell(result.file),
                    *([result.exercise] if several else []),
                    f"{result.score:.6g}",
                    *(marks.get(name, "") for name in answers),
                    "; ".join(result.codes),
                    cell(result.message),
                ]
            )


def write_gradebook(
    path: PathLike, results: Iterable[Result], exercises: Sequence[Exercise], points: float = 1.0, bom: bool = False
) -> None:
    """Write one row per student, to be joined with a gradebook: number, name, and points per exercise."""
    rows: dict[str, tuple[Result, dict[str, float]]] = {}
    for result in results:
        rows.setdefault(result.file, (result, {}))[1][result.exercise] = points * result.score
    with _table(path, bom) as table:
        table.writerow(["student_id", "name", *(exercise.id for exercise in exercises)])
        for result, scores in rows.values():
            shown = [f"{scores.get(exercise.id, 0.0):.6g}" for exercise in exercises]
            table.writerow([cell(result.student), cell(result.name), *shown])


@contextlib.contextmanager
def _table(path: PathLike, bom: bool) -> Iterator[Any]:
    with atomic(path) as file:
        file.write("\ufeff" if bom else "")
        yield csv.writer(file, lineterminator="\n")


def cell(text: str) -> str:
    """Return text for one cell: a single line, and no formula.

    >>> cell("=1+1"), cell("two\\nlines")
    ("'=1+1", 'two lines')
    """
    text = " ".join(text.split("\n"))
    return "'" + text if text.startswith(_FORMULA) else text


def write_jsonl(path: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Write one JSON object per line: everything that is known of an entry."""
    with atomic(path) as file:
        for result in results:
            file.write(strict_json(result.to_dict()) + "\n")
