"""What could explain an answer: a known wrong value times a factor, found by comparing with all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from npreg.exercises.forward.probes import quantities_of, sizes_of
from npreg.exercises.forward.program import Array
from npreg.exercises.forward.tape import Tape
from npreg.exercises.found import Factor, Found, Scale
from npreg.exercises.mistakes.factors import FactorTable
from npreg.exercises.mistakes.mistake import Make, Mistake
from npreg.exercises.mistakes.preference import cost

Turn = Callable[[Array, Array], Array]
SIGNLESS = frozenset({"wrong-variable", "loss-for-derivative"})


def quantities(tape: Tape) -> Mapping[str, float]:
    """The sizes and settings on a tape, which can be factors."""
    exercise, values = tape.exercise, tape.values
    found: Mapping[str, float] = tape.noted(
        "quantities", lambda: quantities_of(exercise, sizes_of(exercise, values), values)
    )
    return found


@dataclass(frozen=True)
class Explanation:
    """Something that equals the student's value on every fixed probe.

    ``make`` gives the value on any tape; ``turn(value, right)`` brings the student's value into its shape.
    ``found`` is what is known, for the message.
    """

    codes: tuple[str, ...]
    cost: float
    make: Make = field(repr=False)
    found: Found = ()
    turn: Turn = field(default=lambda value, right: value, repr=False)

    def fits(self, value: Array, right: Array, tape: Tape, close: float) -> bool:
        """Whether it also explains the student's value on another probe."""
        try:
            turned, predicted = np.asarray(self.turn(value, right)), np.asarray(self.make(tape))
            predicted = predicted.reshape(turned.shape)
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            return False
        size = max(float(np.max(np.abs(array), initial=0.0)) for array in (turned, predicted, right))
        return bool(np.max(np.abs(turned - predicted), initial=0.0) <= close * size)


def scaled(factor: Factor) -> tuple[tuple[str, ...], Found]:
    """The codes of a factor on the right answer, and what is known; an unusual constant is typed in."""
    if factor.magnitude_is_one:
        return factor.codes, ()
    if not factor.is_usual and factor.sign < 0 and not factor.powers:
        return ("update-returned",), ()
    if not factor.is_usual and not factor.powers and factor.is_whole:
        return ("global-or-hardcoded",), (Scale("global-or-hardcoded", factor),)
    if not factor.is_usual and factor.hard_coded is not None:
        return ("global-or-hardcoded",), (factor.hard_coded,)
    return factor.codes, (Scale(factor.codes[-1], factor),)


class Pool:
    """Mistakes in answer ``name`` with values of one shape, so that one answer is compared with all of them at once."""

    def __init__(self, name: str, candidates: Sequence[tuple[Mistake, Sequence[Array]]]) -> None:
        self.name = name
        kept = [(mistake, arrays) for mistake, arrays in candidates if _useful(arrays)]
        self.mistakes = [mistake for mistake, _ in kept]
        self.vanishing = [mistake for mistake, arrays in candidates if _vanishes(arrays)]
        rows = [np.concatenate([np.ravel(array) for array in arrays]) for _, arrays in kept]
        self.matrix = np.stack(rows).astype(float) if rows else np.zeros((0, 0))

    def match(self, student: Sequence[Array], table: FactorTable, tolerance: float) -> Iterator[Explanation]:
        """Every mistake that gives the student's value up to a factor."""
        if not self.mistakes:
            return
        ends = np.cumsum([value.size for value in student])
        coefficients, close = [], np.ones(len(self.mistakes), dtype=bool)
        for value, end in zip(student, ends, strict=True):
            part, flat = self.matrix[:, end - value.size : end], np.ravel(value)
            scale = np.einsum("ij,ij->i", part, part)
            c = part @ flat / np.where(scale > 0, scale, np.inf)
            error = np.max(np.abs(flat - c[:, None] * part), axis=1)
            close &= error <= tolerance * max(np.max(np.abs(flat)), 1e-300)
            coefficients.append(c)
        measured = np.stack(coefficients, axis=1)
        blank = np.array([np.max(np.abs(value)) <= 1e-12 for value in student])
        if np.any(blank) and not np.all(blank):  # 0 on both sides says nothing about the factor
            measured[:, blank] = measured[:, [int(np.argmin(blank))]]
        allowed = max(tolerance, 1e-8)
        for i in np.flatnonzero(close & table.possible(measured, allowed)):
            factor = table.identify(measured[i], allowed)
            if factor is not None and (factor.is_usual or not self.mistakes[i].codes):
                yield self._times(self.mistakes[i], factor)

    def _times(self, mistake: Mistake, factor: Factor) -> Explanation:
        codes, found = scaled(factor)
        if any(kind.free_scale for kind in mistake.kinds):
            signed = factor.sign < 0 and SIGNLESS.isdisjoint(mistake.codes)
            codes, found = ("sign",) if signed else (), ()
        return Explanation(
            (*mistake.codes, *codes),
            cost(mistake.kinds, factor),
            lambda tape: factor.value(quantities(tape)) * mistake.value(self.name, tape),
            mistake.found + found,
        )


def _vanishes(arrays: Sequence[Array]) -> bool:
    """Whether it is zero by its nature, as the sum of a row of P − Y: only rounding is left."""
    return all(np.max(np.abs(a), initial=0.0) <= 1e-12 for a in arrays)


def _useful(arrays: Sequence[Array]) -> bool:
    """Whether there is something to compare; decisions of 0 or 1 can add up to 0 on a probe or two."""
    some = [bool(np.any(np.abs(a) > 1e-12)) for a in arrays]
    return all(np.all(np.isfinite(a)) for a in arrays) and sum(some) >= min(3, len(arrays))
