"""Derivatives found numerically: large probes, best in one example, whose loss dwarfs it, cost them digits."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from npreg.exercises.forward.probes import Probe, bank
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.verdict import Reference, is_right, reference
from npreg.exercises.judge import without_guards

OUTLIERS = (2.0**40, 2.0**20, 2.0**13)
STRETCHES = (2.0**20, 2.0**-60)
WORTH_IT = 2.0**10
EXPOSED = 2.0**5
NEAR = 1e-2


class Stretched(NamedTuple):
    """A large probe with the right answers, and which entries of them the loss dwarfs whatever the step."""

    reference: Reference
    exposed: Mapping[str, Array]
    outlier: bool


class Large(NamedTuple):
    """How a probe is made large: which input, by how much, and whether in one example alone."""

    name: str
    scale: float
    outlier: bool

    def of(self, exercise: Exercise, probe: Probe) -> Stretched | None:
        """The large probe: the largest that is finite and exposes an entry."""
        if not self.outlier:
            at = _reference(exercise, {**probe, self.name: probe[self.name] * self.scale})
            return None if at is None else Stretched(at, {n: _dwarfed(at, n) for n in exercise.answers}, False)
        plain, names = _reference(exercise, self._with_outlier(exercise, probe, 1.0)), exercise.answers
        for scale in np.outer(self.scale * 2.0 ** np.arange(0, -10, -1), (1, -1)).flat if plain else ():
            at = _reference(exercise, self._with_outlier(exercise, probe, float(scale)))
            if at is not None and plain is not None:
                # what does not see the outlier is right also where its own derivative has lost all digits
                exposed = {n: _dwarfed(at, n) & is_right(at.right[n], plain.right[n], plain.terms[n]) for n in names}
                if any(np.any(entries) for entries in exposed.values()):
                    return Stretched(at, exposed, True)
        return None

    def _with_outlier(self, exercise: Exercise, probe: Probe, scale: float) -> Probe:
        made, examples = dict(probe), _by_example(exercise)
        for name in examples:
            made[name], draw = probe[name].copy(), exercise.inputs[name].draw
            if draw == "labels":
                made[name][0] = 1
            elif draw == "real" and made[name].ndim > 1 and name == examples[0]:
                made[name][0, : (made[name].shape[1] + 1) // 2] = 0
        made[self.name][0] *= scale
        return made


def stretched(exercise: Exercise, probe: Probe) -> list[Stretched]:
    return [at for large in stretchable(exercise) if (at := large.of(exercise, probe)) is not None]


@lru_cache(maxsize=64)
def stretchable(exercise: Exercise) -> tuple[Large, ...]:
    """The best ways to make a probe large: for every answer an outlier, and a stretch, if any helps."""
    probe = bank(exercise)[0]
    plain = _reference(exercise, probe)
    if plain is None:
        return ()
    chosen: dict[Large, None] = {}
    ways = ((True, OUTLIERS, _by_example(exercise), EXPOSED), (False, STRETCHES, list(exercise.inputs), WORTH_IT))
    for outlier, scales, names, least in ways:
        large = [Large(n, scale, outlier) for n in names if exercise.inputs[n].draw == "real" for scale in scales]
        made = {way: at for way in large if (at := way.of(exercise, probe)) is not None}
        for answer in exercise.answers:
            gains = {way: _gain(at, plain, answer) for way, at in made.items()}
            best = max(gains, key=lambda way: gains[way], default=None)
            if best is not None and gains[best] > least:
                chosen[best] = None
    return tuple(chosen)


def _by_example(exercise: Exercise) -> list[str]:
    """Inputs with a row, or an entry, per example: those whose first size is the first of all."""
    sizes = {name: given.shape[0] for name, given in exercise.inputs.items() if given.shape}
    found = [name for name, size in sizes.items() if size == next(iter(sizes.values()))]
    return found if len(found) > 1 else []


def _reference(exercise: Exercise, probe: Probe) -> Reference | None:
    """The right answers on a probe, None where something is not finite."""
    with np.errstate(all="ignore"):
        try:
            at = reference(exercise, probe)
        except (ArithmeticError, ValueError):
            return None
    values = [at.tape.values[exercise.loss], *at.right.values(), *at.terms.values()]
    return at if all(np.all(np.isfinite(value)) for value in values) else None


def _loss(at: Reference) -> float:
    return abs(float(at.tape.values[at.tape.exercise.loss]))


def _dwarfed(at: Reference, name: str) -> Array:
    """Entries that the loss dwarfs: the best step leaves them an error of eps · sqrt(loss)."""
    first = at.tape.exercise.answers[name].order != 2  # second derivatives are found by differences here, too
    return np.asarray((at.terms[name] > 0) & (at.terms[name] ** 2 * EXPOSED < _loss(at)) & first)


def _gain(large: Stretched, plain: Reference, name: str) -> float:
    """How much more than before the loss dwarfs the entry, or else the answer, that it dwarfs most."""
    at = large.reference
    if large.outlier:
        terms = np.maximum(at.terms[name], plain.terms[name])
        return float(np.max(_loss(at) / terms**2, where=large.exposed[name], initial=0.0))
    now, before = (float(np.max(np.abs(one.right[name]))) for one in (at, plain))
    return _loss(at) / now / (_loss(plain) / before) if now and before and _loss(plain) else 0.0


def loses_digits(runs: Sequence[Mapping[str, Any]], larges: Sequence[Stretched], name: str) -> bool:
    """Whether an answer that is right elsewhere is wrong on a large probe, or only nearly right.

    Small constants of its own, or of the loss, that only keep from dividing by zero make it neither.
    """
    for run, large in zip(runs, larges, strict=True):
        values = [v for v in (run["value"], run["free"]) if v is not None and v.dtype.kind in "iuf"]
        exercise, guards = without_guards(large.reference.tape.exercise)
        asked = [large.reference, *([reference(exercise, large.reference.tape.values)] if guards else ())]
        if values and all(_is_lost(value, at, large, name) for value in values for at in asked):
            return True
    return False


def _is_lost(value: Array, at: Reference, large: Stretched, name: str) -> bool:
    right, terms = at.right[name], at.terms[name]
    if value.shape != right.shape:
        return False
    wrong = ~is_right(value, right, terms) & np.isfinite(value)
    nearly = not large.outlier and np.all(np.abs(value - right) <= NEAR * np.max(terms))
    return bool(np.any(wrong & large.exposed[name]) or (nearly and np.any(wrong)))
