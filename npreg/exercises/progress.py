"""How far one is in the course, read from the files of a folder: nothing else is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from npreg.exercises.course import IDS
from npreg.exercises.files import find_exercise, read_source, require_python, student_files
from npreg.exercises.forward.program import Exercise
from npreg.exercises.report import UnusableFile
from npreg.exercises.session import OwnFile
from npreg.isolation import Limits


class Progress(NamedTuple):
    """One exercise, the student's file for it if there is one, and how many of its answers are right."""

    exercise: Exercise
    path: Path | None
    right: int
    asked: int
    problem: str = ""


def progress(folder: str | Path, limits: Limits, skipped: list[str], lang: str = "en") -> Iterator[Progress]:
    """Yield the state of every exercise of the course; of several files for one the best counts.

    The files of the folder that name an exercise are run to judge them, each in a process of its own within
    `limits`. Why a file was skipped is added to `skipped`.
    """
    files: dict[str, list[Path]] = {}
    for path, named in student_files(folder, skipped):
        files.setdefault(named, []).append(path)
    for name in IDS:
        exercise = find_exercise(name)
        states = [_state(exercise, path, limits, lang) for path in files.get(name, [])]
        yield max(states, key=lambda state: state.right) if states else _none_yet(exercise)


def _none_yet(exercise: Exercise) -> Progress:
    return Progress(exercise, None, 0, len(exercise.answers))


def _state(exercise: Exercise, path: Path, limits: Limits, lang: str) -> Progress:
    try:
        source = read_source(path)
        require_python(source, path.name)
        session = OwnFile(source, str(path.parent.resolve()), limits).check(exercise, lang=lang)
    except UnusableFile as error:
        return Progress(exercise, path, 0, len(exercise.answers), str(error).splitlines()[0])
    right = sum(answer.passed for answer in session.report.answers)
    return Progress(exercise, path, right, len(session.report.answers), session.stopped)
