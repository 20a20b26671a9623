"""Can this exercise be judged? Its loss must run on the data drawn for it, and give a finite number."""

from __future__ import annotations

import linecache
import traceback

import numpy as np

from npreg.exercises.forward.inputs import BANK_SIZES
from npreg.exercises.forward.probes import BANK_SEED
from npreg.exercises.forward.program import Exercise
from npreg.exercises.forward.trace import code_of, scalar_of
from npreg.exercises.report import UnusableFile


def require_usable(exercise: Exercise) -> None:
    """Raise ``UnusableFile``, with the line and the cure, for a loss that cannot be differentiated."""
    sizes = exercise.sizes(BANK_SIZES[0])
    rng = np.random.default_rng(BANK_SEED)
    given = {}
    for name, spec in exercise.inputs.items():
        try:
            given[name] = spec.numbers(sizes, rng)
        except Exception as error:
            raise _refusal(exercise, f"the input {name!r} cannot be drawn ({_said(error)})") from error
    shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
    try:
        with np.errstate(all="ignore"):
            result = exercise.function(**exercise.named(given))
    except Exception as error:
        why = f"the loss stops{_line(exercise, error)} ({_said(error)}) on inputs of the shapes {shapes}"
        raise _refusal(exercise, why) from error
    loss = scalar_of(result)
    if loss is None or np.size(loss) != 1 or np.asarray(loss).dtype.kind not in "fiu":
        what = "nothing: end it with return" if result is None else f"the shape {np.shape(result)}"
        raise _refusal(exercise, f"the loss must be a scalar; it has {what}")
    if not np.isfinite(loss):
        raise _refusal(exercise, f"the loss is {loss}, not a finite number, on data drawn for it")
    try:
        exercise.program  # noqa: B018
    except ValueError as error:
        raise _refusal(exercise, str(error)) from error


def _line(exercise: Exercise, error: Exception) -> str:
    """The line of the loss function that an exception passed through."""
    code = code_of(exercise.function)
    for frame in traceback.extract_tb(error.__traceback__):
        if code is not None and (frame.filename, frame.name) == (code.co_filename, code.co_name):
            text = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            return f" in line {frame.lineno}, `{text}`"
    return ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _refusal(exercise: Exercise, why: str) -> UnusableFile:
    return UnusableFile(f"exercise {exercise.id!r} cannot be used: {why}")
