"""One call from a student's file to a report; and the cell magic ``%%check one-weight``, which judges a cell."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

from npreg.arrays import as_choice, as_nonnegative, brief
from npreg.exercises import files
from npreg.exercises.by_hand import by_hand
from npreg.exercises.forward.probes import Probe
from npreg.exercises.forward.program import Exercise
from npreg.exercises.judge import judge, questions_of
from npreg.exercises.place import placed
from npreg.exercises.report import Report, UnusableFile
from npreg.exercises.words import LANGUAGES
from npreg.isolation import is_gradient, run_answers, search_changes

Source = str | os.PathLike[str] | Mapping[str, Any] | ModuleType | Callable[..., Any] | Sequence[Any]


def check(
    source: Source,
    exercise: str | Exercise | None = None,
    *,
    seed: Any = None,
    lang: str = "en",
    probes: Sequence[Probe] | None = None,
    seconds: float = 1.0,
) -> Report:
    """Judge a student's answers and name the mistakes; the file runs in this process.

    Parameters
    ----------
    source : a path, the text of a file, a function, several functions, a module, or a mapping from names to
        functions (a notebook's ``globals()``)
    exercise : an id of the course, an `Exercise`, or None for the one that the file names; of a file that names several
        its part alone is judged
    seed : of the fresh probes; the same seed gives the same probes, None new ones in every run
    lang : the language in which the report speaks where none is asked for, ``"en"`` or ``"zh"``
    probes : inputs to judge on in place of the fresh ones
    seconds : how long to look for the place of each mistake in the student's code; 0 does without

    Raises
    ------
    UnusableFile
        if there is no such file or exercise, or the file is no Python.

    >>> report = check("def grad_w(x, r): return x * r\\ndef grad_b(r): return 2 * r", "one-weight")
    >>> [(a.name, a.passed, [m.code for m in a.mistakes]) for a in report.answers]
    [('grad_w', True, []), ('grad_b', False, ['factor:2'])]
    """
    code = _read(source)
    seconds, lang = as_nonnegative(seconds, "seconds"), as_choice(lang, "lang", LANGUAGES)
    if probes is not None and not (isinstance(probes, Sequence) and all(isinstance(p, Mapping) for p in probes)):
        raise TypeError(f"probes must be mappings from names to arrays, several, not {brief(probes)}")
    if not (exercise is None or isinstance(exercise, (str, Exercise))):
        raise TypeError(f"exercise must be an id or an Exercise, not {brief(exercise)}")
    named = files.exercises_in(code) if isinstance(code, str) else []
    if exercise is None and len(named) != 1:
        raise UnusableFile("exercise-one-of" if named else "exercise-asked", names=", ".join(named))
    asked = named[0] if exercise is None else exercise
    found = asked if isinstance(asked, Exercise) else files.find_exercise(asked)
    if isinstance(code, str):
        code = files.section(code, asked if isinstance(asked, str) else found.id)
    questions = questions_of(found, probes, seed)
    outcome = run_answers(code, questions.names, questions.probes, optional=questions.optional)
    report = judge(questions, outcome, lang)
    search = partial(search_changes, code, seconds=seconds)
    return placed(report, questions, outcome, search) if seconds > 0 else report


def _read(source: Source) -> str | Mapping[str, Any]:
    if isinstance(source, ModuleType):
        return vars(source)
    if isinstance(source, Mapping):
        return source
    if isinstance(source, str) and ("\n" in source or not source.strip().endswith(".py")):
        return source
    if isinstance(source, (str, os.PathLike)):
        return files.read_source(os.fspath(source))
    functions: Any = source if isinstance(source, (list, tuple)) else [source]
    if not all(hasattr(function, "__name__") for function in functions):
        raise TypeError(f"source must be a path, the text of a file, or functions, not {brief(source)}")
    return {function.__name__: function for function in functions}


def load_ipython_extension(shell: Any) -> None:
    """Make ``%%check`` known to a notebook; ``%load_ext npreg`` calls it."""
    shell.register_magic_function(partial(check_cell, shell), "cell", "check")


def check_cell(shell: Any, line: str, cell: str) -> Report | None:
    """Run a cell and judge what it alone defines; `line` is an exercise and perhaps a language, ``ridge --lang zh``."""
    name, *rest = line.split() or [*files.exercises_in(cell), ""][:1]
    lang = rest[-1] if rest else "en"
    try:
        if not name or lang not in LANGUAGES:
            raise UnusableFile("cell")
        exercise = files.find_exercise(name)
        space, asked = shell.user_ns, {*exercise.functions, *(f"grad_{step}" for step in exercise.public_steps)}
        earlier = {name: space.pop(name) for name in asked if name in space}
        try:
            first = "" if cell.startswith("%%") else f"# %%check {line}\n"  # lines are counted as they are shown
            before = {name: space[name] for name in space if is_gradient(name, space[name]) and name not in cell}
            ran = shell.run_cell(first + cell)
            # What may stand for an answer stands for one of its own cell, unless this cell names it.
            written = {name: value for name, value in space.items() if before.get(name, ...) is not value}
        finally:
            space.update({name: value for name, value in earlier.items() if name not in space})
        if ran.error_before_exec is not None:
            return None
        report = check(written, exercise, lang=lang)
    except UnusableFile as error:
        print(f"npreg: {error.text(lang if lang in LANGUAGES else 'en')}")
        return None
    wrong = [a.name for a in report.answers if not (a.passed or a.not_written) and a.shows_in_numbers]
    shown = {example.answer: example for example in by_hand(written, exercise, wrong)} if wrong else {}
    return replace(report, answers=tuple(replace(a, example=shown.get(a.name)) for a in report.answers))
