"""The cell magic ``%%check one-weight``: run a cell of a notebook, and judge the functions of that cell alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from npreg.exercises.by_hand import by_hand
from npreg.exercises.check import check
from npreg.exercises.files import find_exercise, named_exercise
from npreg.exercises.report import Report, UnusableFile
from npreg.exercises.words import LANGUAGES


def load_ipython_extension(shell: Any) -> None:
    """Make ``%%check`` known to a notebook; ``%load_ext npreg`` calls it."""
    shell.register_magic_function(partial(check_cell, shell), "cell", "check")


def check_cell(shell: Any, line: str, cell: str) -> Report | None:
    """Run a cell, then judge what it defines; `line` is an exercise and perhaps a language, ``ridge --lang zh``.

    An answer that the cell does not define is not written yet, whatever an earlier cell has under its name.
    """
    name, *rest = line.split() or [named_exercise(cell) or ""]
    lang = rest[-1] if rest else "en"
    try:
        if not name or lang not in LANGUAGES:
            raise UnusableFile("begin the cell with such as %%check one-weight, or %%check one-weight --lang zh")
        exercise = find_exercise(name)
        space, asked = shell.user_ns, {*exercise.functions, *(f"grad_{step}" for step in exercise.public_steps)}
        earlier = {name: space.pop(name) for name in asked if name in space}
        try:
            first = "" if cell.startswith("%%") else f"# %%check {line}\n"  # lines are counted as they are shown
            ran = shell.run_cell(first + cell)
            written = dict(space)
        finally:
            space.update({name: value for name, value in earlier.items() if name not in space})
        if ran.error_before_exec is not None:
            return None
        report = check(written, exercise, lang=lang)
    except UnusableFile as error:
        print(f"npreg: {error}")
        return None
    wrong = [a.name for a in report.answers if not (a.passed or a.not_written) and a.shows_in_numbers]
    shown = {example.answer: example for example in by_hand(written, exercise, wrong)} if wrong else {}
    return replace(report, answers=tuple(replace(a, example=shown.get(a.name)) for a in report.answers))
