"""Results for other programs: CSV tables, JSON Lines with the full reports, Gradescope's `results.json`."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from npreg.exercises.forward.program import Exercise
from npreg.exercises.words import explain, say
from npreg.files import atomic, safe_file_name, strict_json, write_text
from npreg.grading.result import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
PathLike = str | os.PathLike[str]


def write_csv(path: PathLike, results: Iterable[Result], exercises: Sequence[Exercise], bom: bool = False) -> None:
    """Write one row per result: file, score in 0..1, a mark per answer, all codes, and the first message.

    With several exercises a column says which. Text that a spreadsheet would run as a formula gets an
    apostrophe in front; `bom` begins the file with a mark that tells spreadsheets its encoding.
    """
    several = len(exercises) > 1
    answers = list(dict.fromkeys(name for exercise in exercises for name in exercise.answers))
    asked = {exercise.id: exercise.answers for exercise in exercises}
    with _table(path, bom) as table:
        table.writerow(["file", *(["exercise"] if several else []), "score", *answers, "codes", "message"])
        for result in results:
            marks = dict.fromkeys(asked[result.exercise], "0")
            marks |= {mark.name: f"{mark.mark:.6g}" for mark in result.marks}
            row = [cell(result.file), *([result.exercise] if several else []), f"{result.score:.6g}"]
            row += [marks.get(name, "") for name in answers]
            table.writerow([*row, "; ".join(result.codes), cell(result.message)])


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
    """Text for one cell: a single line, and no formula.

    >>> cell("=1+1"), cell("two\\nlines")
    ("'=1+1", 'two lines')
    """
    text = " ".join(text.split("\n"))
    return "'" + text if text.startswith(_FORMULA) else text


def write_jsonl(path: PathLike, results: Iterable[Result]) -> None:
    """Write one JSON object per line: everything that is known of an entry."""
    with atomic(path) as file:
        for result in results:
            file.write(strict_json(result.to_dict()) + "\n")


def gradescope_path(folder: PathLike, file: str, single: bool) -> Path:
    """Where an entry's `results.json` belongs: in the folder itself if it is the only one."""
    return Path(folder, "" if single else safe_file_name(file), "results.json")


def write_zero(path: Path, lang: str = "en", missing: str = "") -> None:
    """Write a valid file with zero points, so that something is there whatever happens next."""
    output = explain("missing", lang, detail=missing) if missing else say("gradescope.not-yet", lang)
    write_text(path, strict_json({"score": 0.0, "output": output, "output_format": "text", "tests": []}, indent=2))


def write_gradescope(path: Path, result: Result, points: float, lang: str = "en") -> None:
    """Write one entry's `results.json` in place of the zero."""
    write_text(path, strict_json(gradescope(result, points, lang), indent=2))


def gradescope(result: Result, points: float, lang: str = "en") -> dict[str, Any]:
    """What Gradescope reads: one test per answer, all of them worth the same, `points` together.

    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format

    >>> from npreg.grading.result import Mark
    >>> document = gradescope(Result("a.py", "ridge", 0.5, (Mark("grad_w", 1.0), Mark("grad_b", 0.0))), 10)
    >>> document["score"], [(test["score"], test["status"]) for test in document["tests"]]
    (5.0, [(5.0, 'passed'), (0.0, 'failed')])
    """
    share = float(points) / max(len(result.marks), 1)
    praise = say("gradescope.all-right", lang) if result.score == 1 else ""
    tests = [
        {
            "score": round(share * float(mark.mark), 6),
            "max_score": round(share, 6),
            "status": "passed" if mark.right else "failed",
            "name": mark.name,
            "name_format": "text",
            "number": str(number),
            "output": "\n".join(mark.told),
            "output_format": "text",
            "visibility": "visible",
        }
        for number, mark in enumerate(result.marks, 1)
    ]
    return {
        "score": round(float(points) * float(result.score), 6),
        "output": praise if result.reason is None else result.message,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"file": result.file, "exercise": result.exercise, "isolation": dict(result.isolation)},
        "tests": tests,
    }
