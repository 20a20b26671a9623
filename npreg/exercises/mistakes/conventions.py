"""Is a wrong factor a mistake, or the right gradient of the same loss under another common convention?

Two choices divide textbooks and libraries: the losses of the examples are summed or averaged, and a squared
error is halved or not. Which of them an exercise made is measured on one probe, so it holds for a teacher's
own exercise, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from npreg.exercises.forward.inputs import BANK_SIZES
from npreg.exercises.forward.probes import BANK_SEED, draw
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.found import Factor

_CLOSE = 1e-9


@dataclass(frozen=True)
class Convention:
    """What a loss does with its examples, "sum", "mean" or None; whether it halves a square, or None."""

    reduction: str | None
    half: bool | None


def other_conventions(exercise: Exercise, factor: Factor) -> tuple[str, ...]:
    """Return under which other conventions an answer with this factor would be right, often none.

    >>> from npreg.exercises.course import load
    >>> other_conventions(load("minibatch-mean"), Factor(1, Fraction(2), (("n", Fraction(1)),)))
    ('sum', 'without-half')
    >>> other_conventions(load("minibatch-mean"), Factor(1, Fraction(3)))
    ()
    """
    found = convention(exercise)
    batch, constant = dict(factor.powers), factor.constant
    names = []
    expected = {"mean": Fraction(1), "sum": Fraction(-1)}
    if found.reduction is not None and batch == {"n": expected[found.reduction]}:
        names.append("sum" if found.reduction == "mean" else "mean")
        batch = {}
    if found.half is not None and constant == (Fraction(2) if found.half else Fraction(1, 2)):
        names.append("without-half" if found.half else "with-half")
        constant = Fraction(1)
    return tuple(names) if not batch and constant == 1 and factor.sign > 0 else ()


@lru_cache(maxsize=64)
def convention(exercise: Exercise) -> Convention:
    """Measure which conventions the loss of an exercise follows.

    >>> from npreg.exercises.course import load
    >>> convention(load("mean-squared-error"))
    Convention(reduction='mean', half=False)
    """
    sizes = exercise.sizes(BANK_SIZES[0])
    probe = draw(exercise, sizes, np.random.default_rng(BANK_SEED))
    values = exercise.forward(probe)
    reduction = _reduction(exercise, probe, values)
    return Convention(reduction, _half(exercise, values, sizes.get("n", 1) if reduction == "mean" else 1))


def _reduction(exercise: Exercise, probe: Mapping[str, Array], values: Mapping[str, Array]) -> str | None:
    """Take every example twice: a mean stays, a sum doubles."""
    if not any(given.shape[:1] == ("n",) for given in exercise.inputs.values()):
        return None
    twice = {
        name: np.concatenate([probe[name]] * 2) if given.shape[:1] == ("n",) else probe[name]
        for name, given in exercise.inputs.items()
    }
    once, loss = float(values[exercise.loss]), float(exercise.forward(twice)[exercise.loss])
    for name, expected in (("mean", once), ("sum", 2 * once)):
        if abs(loss - expected) <= _CLOSE * abs(expected):
            return name
    return None


def _half(exercise: Exercise, values: Mapping[str, Array], count: int) -> bool | None:
    """Find a scalar step that is a constant times the sum of squares of another step; the constant tells."""
    scalars = [step for step in exercise.steps if values[step].ndim == 0 and values[step].dtype.kind == "f"]
    for step in exercise.public_steps:
        squares = float(np.sum(np.square(values[step], dtype=float)))
        for scalar in scalars:
            if scalar == step or not squares or step not in exercise.active:
                continue
            constant = count * float(values[scalar]) / squares
            for half, expected in ((True, 0.5), (False, 1.0)):
                if abs(constant - expected) <= _CLOSE:
                    return half
    return None
