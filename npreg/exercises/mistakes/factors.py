"""Factors: which constant, size or setting stands between two values, and which of them are other conventions."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from typing import Any

import numpy as np

from npreg.exercises.forward.probes import bank, quantities_of, sizes_of
from npreg.exercises.forward.program import Array, Exercise
from npreg.exercises.forward.tape import Tape
from npreg.exercises.found import CONSTANTS, ONE, Factor, Facts
from npreg.exercises.mistakes.preference import factor_cost


def quantities(tape: Tape) -> Mapping[str, float]:
    """The sizes and settings on a tape, which can be factors."""
    exercise, values = tape.exercise, tape.values
    return dict(tape.noted("quantities", lambda: quantities_of(exercise, sizes_of(exercise, values), values)))


class FactorTable:
    """All products of powers that are looked for, with their logarithms on probes: 7 at n = 7, 11 at n = 11 is n."""

    def __init__(self, quantities: Sequence[Mapping[str, float]], sizes: Sequence[str]) -> None:
        names = [name for name in quantities[0] if min(q[name] for q in quantities) > 0]
        logs = np.array([np.log([float(q[name]) for q in quantities]) for name in names])
        self.powers = [(), *_products(names, sizes)]
        exponents = np.array([[float(dict(row).get(name, 0)) for name in names] for row in self.powers])
        self.logs = exponents @ logs.reshape(len(names), len(quantities))

    def identify(self, coefficients: Array, tolerance: float = 1e-8) -> Factor | None:
        """The simplest factor with these values on the probes, or None; any constant is allowed."""
        c = np.asarray(coefficients, dtype=float)
        if not np.all(np.isfinite(c)) or np.any(c == 0) or np.any(np.sign(c) != np.sign(c[0])):
            return None
        rests = np.log(np.abs(c)) - self.logs
        found = []
        for row in np.flatnonzero(np.all(np.abs(rests - rests[:, :1]) <= tolerance, axis=1)):
            constant = float(np.exp(np.mean(rests[row])))
            usual = (usual for usual in CONSTANTS if abs(constant - float(usual)) <= 4 * tolerance * float(usual))
            found.append(Factor(int(np.sign(c[0])), next(usual, constant), self.powers[row]))
        return min(found, key=lambda factor: (not factor.is_usual, factor_cost(factor)), default=None)


def _products(names: Sequence[str], sizes: Sequence[str]) -> Iterator[tuple[tuple[str, Fraction], ...]]:
    """Products of at most two powers (three, where all are ±1)."""
    for many in (1, 2, 3):
        choices = {}
        for name in names:
            powers = [1, -1, *(("1/2", "-1/2") if many < 3 and name in sizes else ())]
            powers += [2, -2] if many == 1 or (many == 2 and name == "n") else []
            choices[name] = [Fraction(power) for power in powers]
        for chosen in combinations(names, many):
            for exponents in product(*(choices[name] for name in chosen)):
                yield tuple(zip(chosen, exponents, strict=True))


def scaled(factor: Factor) -> tuple[tuple[str, ...], Facts]:
    """The codes of a factor on the right answer, and what is known; an unusual constant is typed in."""
    typed = None if factor.is_usual else factor.hard_coded
    if not factor.is_usual and factor.sign < 0 and not factor.powers:
        return ("update-returned",), Facts()
    if not factor.is_usual and (typed is not None or (not factor.powers and factor.is_whole)):
        code = "global-or-hardcoded"
        return (*("sign",) * (factor.sign < 0), code), typed or Facts(factors={code: factor})
    return factor.codes, Facts() if factor.magnitude_is_one else Facts(factors={factor.codes[-1]: factor})


_OTHER_CONVENTIONS: dict[Any, tuple[str, Factor]] = {
    "mean": ("sum", Factor(powers=(("n", Fraction(1)),))),
    "sum": ("mean", Factor(powers=(("n", Fraction(-1)),))),
    True: ("without-half", Factor(constant=Fraction(2))),
    False: ("with-half", Factor(constant=Fraction(1, 2))),
}


def other_conventions(exercise: Exercise, factor: Factor) -> tuple[str, ...]:
    """Return under which other conventions an answer with this factor would be right, often none.

    >>> from npreg.exercises.course import load
    >>> other_conventions(load("minibatch-mean"), Factor(1, Fraction(2), (("n", Fraction(1)),)))
    ('sum', 'without-half')
    """
    candidates: dict[tuple[str, ...], Factor] = {(): ONE}
    for choice in convention(exercise):
        name, other = _OTHER_CONVENTIONS.get(choice, ("", factor))
        candidates |= {(*names, name): found * other for names, found in candidates.items() if name}
    return next((names for names, found in candidates.items() if found == factor), ())


@lru_cache(maxsize=64)
def convention(exercise: Exercise) -> tuple[str | None, bool | None]:
    """Measure on one probe whether a loss is the "sum" or "mean" of its examples, and whether it halves a square."""
    probe = bank(exercise)[0]
    values, loss = exercise.forward(probe), exercise.loss
    batched = {name for name, given in exercise.inputs.items() if given.shape[:1] == ("n",)}
    twice = {name: np.concatenate([value] * 2) if name in batched else value for name, value in probe.items()}
    times = round(float(exercise.forward(twice)[loss] / values[loss]), 9)
    reduction = {1.0: "mean", 2.0: "sum"}.get(times) if batched else None
    count = sizes_of(exercise, probe).get("n", 1) if reduction == "mean" else 1
    scalars = [step for step in exercise.steps if values[step].ndim == 0 and values[step].dtype.kind == "f"]
    constants = []
    for step in exercise.public_steps:
        squares = float(np.sum(np.square(values[step], dtype=float))) if step in exercise.active else 0.0
        constants += [count * float(values[scalar]) / squares for scalar in scalars if squares and scalar != step]
    halves = (half for constant in constants for half, at in ((True, 0.5), (False, 1.0)) if abs(constant - at) <= 1e-9)
    return reduction, next(halves, None)
