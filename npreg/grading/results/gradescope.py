"""Results as Gradescope's autograder reads them.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from npreg.exercises.words import explain, say
from npreg.files import safe_file_name, strict_json, write_text
from npreg.grading.result import Mark, Result

VISIBILITY = ("hidden", "after_due_date", "after_published", "visible")


def results_path(folder: str | os.PathLike[str], file: str, single: bool) -> Path:
    """Return where an entry's ``results.json`` belongs: in the folder itself if it is the only one."""
    folder = Path(folder)
    return folder / "results.json" if single else folder / safe_file_name(file) / "results.json"


def write_zero(path: Path, lang: str = "en", missing: str = "") -> None:
    """Write a valid file with zero points, so that something is there whatever happens next."""
    output = explain("missing", lang, detail=missing) if missing else say("gradescope.not-yet", lang)
    write_text(path, strict_json({"score": 0.0, "output": output, "output_format": "text", "tests": []}, indent=2))


def write_results(path: Path, result: Result, points: float, lang: str = "en") -> None:
    """Write one entry's ``results.json`` in place of the zero."""
    write_text(path, strict_json(results(result, points, lang), indent=2))


def results(result: Result, points: float, lang: str = "en") -> dict[str, Any]:
    """Return the document: one test per answer, all of them worth the same, ``points`` together.

    >>> document = results(Result("a.py", "ridge", 0.5, (Mark("grad_w", 1.0), Mark("grad_b", 0.0))), 10)
    >>> document["score"], [(test["score"], test["status"]) for test in document["tests"]]
    (5.0, [(5.0, 'passed'), (0.0, 'failed')])
    """
    share = float(points) / max(len(result.marks), 1)
    praise = say("gradescope.all-right", lang) if result.score == 1 else ""
    return {
        "score": round(float(points) * float(result.score), 6),
        "output": praise if result.reason is None else result.message,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"file": result.file, "exercise": result.exercise, "isolation": dict(result.isolation)},
        "tests": [_test(mark, number, share) for number, mark in enumerate(result.marks, 1)],
    }


def _test(mark: Mark, number: int, share: float) -> dict[str, Any]:
    return {
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
