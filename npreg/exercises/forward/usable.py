"""Can this exercise be judged? Its program must run on the data drawn for it, and end in a finite scalar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.exercises.forward.probes import BANK_SEED, draw
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.report import UnusableFile

_SIZES = (7, 3, 5)


def require_usable(exercise: Exercise) -> None:
    """Raise ``UnusableFile``, with the step and the cure, for a program that cannot be differentiated."""
    sizes = dict(zip(exercise.symbols, _SIZES, strict=False))
    sizes |= {symbol: 4 + 2 * i for i, symbol in enumerate(exercise.symbols) if symbol not in sizes}
    values: dict[str, Array] = dict(_inputs(exercise, sizes))
    for step in exercise.steps:
        seen = {name: values[name] for name in exercise.arguments[step]}
        values[step] = np.asarray(_run(exercise, step, seen))
        if values[step].dtype.kind not in "bfiu" or not np.all(np.isfinite(values[step])):
            raise _refusal(exercise, step, "does not give finite numbers on data drawn for it")
    if values[exercise.loss].ndim != 0:
        shape = values[exercise.loss].shape
        raise _refusal(
            exercise, exercise.loss, f"is the loss, so it must be a scalar; it has the shape {shape}"
        )


def _inputs(exercise: Exercise, sizes: Mapping[str, int]) -> Mapping[str, Array]:
    try:
        return draw(exercise, sizes, np.random.default_rng(BANK_SEED))
    except Exception:
        # drawing looks at the steps; where one of them fails the plain numbers do, so that it is named below
        shapes = {
            k: [sizes[s] if isinstance(s, str) else s for s in i.shape] for k, i in exercise.inputs.items()
        }
        return {name: np.full(shape, 0.5) for name, shape in shapes.items()}


def _run(exercise: Exercise, step: str, seen: Mapping[str, Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return exercise.steps[step](**seen)
    except Exception as error:
        raise _refusal(exercise, step, f"stops ({type(error).__name__}: {error})") from error


def _refusal(exercise: Exercise, step: str, why: str) -> UnusableFile:
    return UnusableFile(f"exercise {exercise.id!r} cannot be used: the step {step!r} {why}")
