"""Right values by the wrong way: derivatives found numerically instead of derived.

A difference quotient whose digits are lost is told by the check itself. Two kinds are exact to the last
digit and pass it: a central difference with a large step where the loss is quadratic or linear, and the
complex step. The first is caught by a *stretched* probe, on which one input is so large that the loss dwarfs
the derivative: the formula does not mind, a difference of two losses loses its digits. The second is read off
the compiled function, which works with complex numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from npreg.exercises.forward.probes import Probe, bank
from npreg.exercises.forward.program import Exercise
from npreg.exercises.forward.verdict import Reference, is_right, reference

STRETCH = 2.0**20
WORTH_IT = 2.0**10
NEAR = 1e-2


def stretched(exercise: Exercise, probe: Probe) -> list[Reference]:
    """Return probes on which the loss is far larger than the derivatives, with the right answers."""
    return [reference(exercise, _stretch(probe, name)) for name in stretchable(exercise)]


@lru_cache(maxsize=64)
def stretchable(exercise: Exercise) -> tuple[str, ...]:
    """Return the inputs to stretch: for every answer the one that raises |loss| / |answer| most, if any does.

    >>> from npreg.exercises.course import load
    >>> stretchable(load("quantile"))[0], stretchable(load("softmax"))
    ('y', ())
    """
    probe = bank(exercise)[0]
    plain = _ratios(exercise, probe)
    names = [name for name, given in exercise.inputs.items() if given.draw == "real"]
    with np.errstate(all="ignore"):
        found = {name: _ratios(exercise, _stretch(probe, name)) for name in names}
    chosen = []
    for answer, ratio in plain.items():
        best = max(found, key=lambda name: found[name][answer], default=None)
        if best is not None and found[best][answer] > WORTH_IT * ratio:
            chosen.append(best)
    return tuple(dict.fromkeys(chosen))


def _stretch(probe: Probe, name: str) -> Probe:
    return {**probe, name: probe[name] * STRETCH}


def _ratios(exercise: Exercise, probe: Probe) -> dict[str, float]:
    """How much larger the loss is than each answer; 0 where something is not finite."""
    at = reference(exercise, probe)
    loss = float(np.max(np.abs(at.tape.values[exercise.loss])))
    ratios = {}
    for name in exercise.answers:
        size = float(np.max(np.abs(at.right[name])))
        finite = np.isfinite(loss) and np.isfinite(size) and np.all(np.isfinite(at.terms[name]))
        ratios[name] = loss / size if finite and size > 0 else 0.0
    return ratios


def loses_digits(runs: Sequence[Mapping[str, Any]], references: Sequence[Reference], name: str) -> bool:
    """Whether an answer that is right elsewhere is close, but not right, on a stretched probe."""
    for run, at in zip(runs, references, strict=True):
        value, right, terms = run["value"], at.right[name], at.terms[name]
        if value is None or value.shape != right.shape or value.dtype.kind not in "iuf":
            continue
        deviation = np.abs(value - right)
        if not np.all(is_right(value, right, terms)) and np.all(deviation <= NEAR * np.max(terms)):
            return True
    return False
