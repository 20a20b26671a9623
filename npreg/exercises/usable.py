"""Can this exercise be judged? Its program must run, end in a scalar, and accept a complex step.

The right derivatives are taken with a complex step. ``np.abs``, ``np.linalg.norm``, ``np.vdot`` and ``float``
throw the imaginary part away and would make them silently wrong; so every step is compared once with a
difference quotient.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from npreg.exercises.probes import BANK_SEED, draw
from npreg.exercises.program import Array, Exercise
from npreg.exercises.report import UnusableFile

_SIZES = (7, 3, 5)
_COMPLEX_STEP = 1e-30
_DIFFERENCE_STEP = 1e-6
_CLOSE = 1e-5


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
    for step in exercise.steps:
        if values[step].dtype.kind == "b":
            continue
        seen = {name: values[name] for name in exercise.arguments[step]}
        for name in seen:
            if name in exercise.active and values[name].dtype.kind != "b":
                _require_complex_step(exercise, step, seen, name)


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
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            return exercise.steps[step](**seen)
    except Exception as error:
        complex_step = any(np.iscomplexobj(value) for value in seen.values())
        why = "does not accept complex numbers" if complex_step else "stops"
        raise _refusal(
            exercise, step, f"{why} ({type(error).__name__}: {error}){_cure(complex_step)}"
        ) from error


def _require_complex_step(exercise: Exercise, step: str, seen: Mapping[str, Array], name: str) -> None:
    """Compare both derivatives along one direction."""
    direction = np.cos(np.arange(seen[name].size) + 0.5).reshape(seen[name].shape)

    def moved(by: complex) -> Array:
        return np.asarray(_run(exercise, step, {**seen, name: seen[name] + by * direction}))

    exact = np.imag(moved(1j * _COMPLEX_STEP)) / _COMPLEX_STEP
    ends = moved(_DIFFERENCE_STEP), moved(-_DIFFERENCE_STEP)
    difference = (ends[0] - ends[1]) / (2 * _DIFFERENCE_STEP)
    size = max(1.0, float(np.max(np.abs(difference), initial=0.0)))
    if np.max(np.abs(exact - difference), initial=0.0) > _CLOSE * size:
        why = f"loses its dependence on {name!r} when given complex numbers{_cure(True)}"
        raise _refusal(exercise, step, why)


def _cure(complex_step: bool) -> str:
    if not complex_step:
        return ""
    return (
        "; the right derivatives are taken with a complex step, so write np.where(r > 0, r, -r) for "
        "np.abs(r), np.sqrt(np.sum(v**2)) for np.linalg.norm(v), and do not convert to float"
    )


def _refusal(exercise: Exercise, step: str, why: str) -> UnusableFile:
    return UnusableFile(f"exercise {exercise.id!r} cannot be used: the step {step!r} {why}")
