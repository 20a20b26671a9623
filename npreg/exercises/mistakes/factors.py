"""Factors: which constant, size or setting stands between a student's value and another one.

The coefficients measured on the probes are a factor when their logarithms, less the exponents of the sizes
and settings, are one constant: 7 at n = 7 and 11 at n = 11 is ``n``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product

import numpy as np

from npreg.exercises.forward.program import Array
from npreg.exercises.found import CONSTANTS, Factor
from npreg.exercises.mistakes.preference import factor_cost

_HALF = Fraction(1, 2)


class FactorTable:
    """All products of powers that are looked for, with their logarithms on every probe."""

    def __init__(self, quantities: Sequence[Mapping[str, float]], sizes: Sequence[str]) -> None:
        """``quantities``: the value of every size and setting per probe; ``sizes``: which are sizes."""
        names = [name for name in (quantities[0] if quantities else {}) if min(q[name] for q in quantities) > 0]
        self.probes = len(quantities)
        logs = np.array([[np.log(float(q[name])) for q in quantities] for name in names])
        self.powers = [tuple(zip(names, powers, strict=True)) for powers in _exponents(names, set(sizes))]
        matrix = np.array([[float(power) for _, power in row] for row in self.powers])
        self.logs = matrix @ logs if names else np.zeros((1, self.probes))
        differences = self.logs[:, 1:] - self.logs[:, :1]
        if self.probes > 1:
            order = np.argsort(differences[:, 0], kind="stable")
            self.logs, differences = self.logs[order], differences[order]
            self.powers = [self.powers[i] for i in order]
        self.differences = differences
        self.costs = np.array([sum(abs(float(p)) + (p != 0) for _, p in row) for row in self.powers])

    def identify(self, coefficients: Array, tolerance: float = 1e-8) -> Factor | None:
        """The simplest factor with these values on the probes, or None; any constant is allowed."""
        c = np.asarray(coefficients, dtype=float)
        if not np.all(np.isfinite(c)) or np.any(c == 0) or np.any(np.sign(c) != np.sign(c[0])):
            return None
        logs = np.log(np.abs(c))
        difference = logs[1:] - logs[0]
        if self.probes > 1:
            low = np.searchsorted(self.differences[:, 0], difference[0] - tolerance)
            high = np.searchsorted(self.differences[:, 0], difference[0] + tolerance, side="right")
            rows = np.arange(low, high)
            rows = rows[np.all(np.abs(self.differences[low:high] - difference) <= tolerance, axis=1)]
        else:
            rows = np.arange(len(self.powers))
        found = [self._factor(int(np.sign(c[0])), logs, int(row), tolerance) for row in rows]
        return min(found, key=lambda factor: (not factor.is_usual, factor_cost(factor)), default=None)

    def possible(self, coefficients: Array, tolerance: float) -> Array:
        """Per row of coefficients, whether ``identify`` could find a factor: a quick look at two probes."""
        with np.errstate(all="ignore"):
            logs = np.log(np.abs(coefficients))
        regular = np.all(np.isfinite(logs), axis=1) & (np.ptp(np.sign(coefficients), axis=1) == 0)
        if self.probes > 1:
            difference = np.where(regular, logs[:, 1] - logs[:, 0], np.inf)
            low = np.searchsorted(self.differences[:, 0], difference - tolerance)
            high = np.searchsorted(self.differences[:, 0], difference + tolerance, side="right")
            regular &= high > low
        return np.asarray(regular)

    def _factor(self, sign: int, logs: Array, row: int, tolerance: float) -> Factor:
        constant = float(np.exp(np.mean(logs - self.logs[row])))
        powers = tuple((name, power) for name, power in self.powers[row] if power != 0)
        for usual in CONSTANTS:
            if abs(constant - float(usual)) <= 4 * tolerance * float(usual):
                return Factor(sign, usual, powers)
        return Factor(sign, constant, powers)


def _exponents(names: Sequence[str], sizes: set[str]) -> list[tuple[Fraction, ...]]:
    """Vectors of exponents with at most two entries that are not zero (three, where all are ±1)."""
    zero = tuple(Fraction(0) for _ in names)
    found = {zero: None}
    for many in (1, 2, 3):
        for places in combinations(range(len(names)), many):
            choices = [_powers(names[i], sizes, many) for i in places]
            for powers in product(*choices):
                row = list(zero)
                for i, power in zip(places, powers, strict=True):
                    row[i] = power
                found[tuple(row)] = None
    return list(found)


def _powers(name: str, sizes: set[str], many: int) -> list[Fraction]:
    powers = [Fraction(1), Fraction(-1)]
    if many <= 2 and name in sizes:
        powers += [_HALF, -_HALF]
    if many == 1 or (many == 2 and name == "n"):
        powers += [Fraction(2), Fraction(-2)]
    return powers
