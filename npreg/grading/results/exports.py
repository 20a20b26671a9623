"""Results as tables: CSV with one row per entry, JSON Lines with the full reports."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence

from npreg.files import atomic, strict_json
from npreg.grading.result import Result

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: str | os.PathLike[str], results: Iterable[Result], answers: Sequence[str]) -> None:
    """Write one row per entry: file, score in 0..1, a mark per answer, all codes, and the first message.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    with atomic(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "score", *answers, "codes", "message"])
        for result in results:
            marks = {mark.name: f"{mark.mark:.6g}" for mark in result.marks}
            table.writerow(
                [
                    cell(result.file),
                    f"{result.score:.6g}",
                    *(marks.get(name, "0") for name in answers),
                    "; ".join(result.codes),
                    cell(result.message),
                ]
            )


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
