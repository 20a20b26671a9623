"""What could explain an answer: wrong values made from the forward program, and which of them fit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from npreg.exercises.forward.program import Answer, Array, Exercise, gradient
from npreg.exercises.forward.tape import Tape
from npreg.exercises.found import Factor, Found, Scale
from npreg.exercises.mistakes.preference import Kind

Make = Callable[[Tape], Array]
Predict = Callable[[Tape, Mapping[str, float]], Array]
Turn = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Base:
    """A wrong value (or, without codes, the right one): how to make it on a tape, its codes and its kinds."""

    codes: tuple[str, ...]
    kinds: tuple[Kind, ...]
    make: Make = field(repr=False)
    found: Found = ()

    @property
    def free_scale(self) -> bool:
        """Whether the size of its factor means nothing."""
        return any(kind.free_scale for kind in self.kinds)


def wrong(kind: Kind, code: str, make: Make, found: Found = ()) -> Base:
    """A single wrong value."""
    return Base((code,), (kind,), make, found)


@dataclass(frozen=True)
class Explanation:
    """Something that equals the student's value on every fixed probe.

    ``predict`` gives the value on any tape (with the sizes and settings there); ``turn(value, right)``
    brings the student's value into the predicted shape. ``found`` is what is known, for the message.
    """

    codes: tuple[str, ...]
    cost: float
    predict: Predict = field(repr=False)
    found: Found = ()
    turn: Turn = field(default=lambda value, right: value, repr=False)

    def fits(self, value: Array, right: Array, tape: Tape, quantities: Mapping[str, float], close: float) -> bool:
        """Whether it also explains the student's value on another probe."""
        try:
            turned = np.asarray(self.turn(value, right))
            predicted = np.asarray(self.predict(tape, quantities))
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            return False
        if turned.shape != predicted.shape:
            if turned.size != predicted.size:
                return False
            predicted = predicted.reshape(turned.shape)
        size = max(float(np.max(np.abs(array), initial=0.0)) for array in (turned, predicted, right))
        return bool(np.max(np.abs(turned - predicted), initial=0.0) <= close * size)


def scaled(factor: Factor) -> tuple[tuple[str, ...], Found]:
    """The codes of a factor on the right answer, and what is known; an unusual constant is typed in."""
    if factor.is_usual:
        return factor.codes, () if factor.magnitude_is_one else (Scale(factor.codes[-1], factor),)
    if factor.sign < 0 and not factor.powers:
        return ("update-returned",), ()
    if not factor.powers and factor.is_whole:
        return ("global-or-hardcoded",), (Scale("global-or-hardcoded", factor),)
    if factor.hard_coded is not None:
        return ("global-or-hardcoded",), (factor.hard_coded,)
    return factor.codes, (Scale(factor.codes[-1], factor),)


def asked(exercise: Exercise, name: str) -> Answer:
    """What a function of this name must return: an answer, or the derivative in a step."""
    return exercise.answers.get(name) or gradient(name.removeprefix("grad_"))


def axes_subsets(ndim: int) -> list[tuple[int, ...]]:
    """All non-empty sets of axes.

    >>> axes_subsets(2)
    [(0,), (1,), (0, 1)]
    """
    return [axes for many in range(1, ndim + 1) for axes in combinations(range(ndim), many)]
